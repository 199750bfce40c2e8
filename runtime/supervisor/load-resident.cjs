// What `krun supervisor` executes. The identity of the file is taken before it is read: code that is newer than its identity makes the
// helpers refuse us, code that is older would not.
'use strict';
const { readFileSync, statSync } = require('node:fs');
const { Script } = require('node:vm');

const filename = `${__dirname}/resident.js`;
const status = statSync(filename, { bigint: true });
const script = new Script(readFileSync(filename, 'latin1'), { filename });
script.runInThisContext()(require, module);
module.exports.serve({ script: filename, status, socket: require('./socket.node'), settings: JSON.parse(process.argv[2]) });
