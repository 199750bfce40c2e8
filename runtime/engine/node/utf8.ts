export { decode as decodeUtf8 } from './text.ts';
