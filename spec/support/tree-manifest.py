# What a directory holds, as JSON: all that a layer keeps of it. usage: tree-manifest.py DIRECTORY [--no-owner]
import hashlib, json, os, stat, sys


def describe(path):
    found = os.lstat(path)
    entry = {
        'mode': oct(found.st_mode),
        'owner': [found.st_uid, found.st_gid],
        'mtime': found.st_mtime_ns,
        'xattrs': {name: os.getxattr(path, name, follow_symlinks=False).hex() for name in sorted(os.listxattr(path, follow_symlinks=False))},
    }
    if stat.S_ISLNK(found.st_mode):
        entry['target'] = os.readlink(os.fsencode(path)).hex()
    if stat.S_ISCHR(found.st_mode) or stat.S_ISBLK(found.st_mode):
        entry['device'] = [os.major(found.st_rdev), os.minor(found.st_rdev)]
    if stat.S_ISREG(found.st_mode):
        with open(path, 'rb') as file:
            entry['size'] = found.st_size
            entry['content'] = hashlib.file_digest(file, 'sha256').hexdigest() if sys.version_info >= (3, 11) else hashlib.sha256(file.read()).hexdigest()
    if not stat.S_ISDIR(found.st_mode):
        entry['inode'] = found.st_ino
    return entry


def main(root):
    names = {}
    manifest = {}
    paths = sorted([b'.'] + [os.path.relpath(os.path.join(at, name), root) for at, directories, files in os.walk(root) for name in directories + files])
    for path in paths:
        entry = describe(os.path.join(root, path))
        name = path.decode('latin1')
        inode = entry.pop('inode', None)
        if inode is not None:
            entry['first'] = names.setdefault(inode, name)
        manifest[name] = entry
    print(json.dumps(manifest))


main(os.fsencode(sys.argv[1]))
