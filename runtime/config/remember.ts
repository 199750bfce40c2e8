/**
 * The same function, which makes its result once for each argument, told by identity. For pure functions of parts of a configuration,
 * which never changes: a resident supervisor meets the same one again and again.
 */
export function remember<Argument extends object, Result>(make: (argument: Argument) => Result): (argument: Argument) => Result {
  const known = new WeakMap<Argument, { readonly result: Result }>();
  return (argument) => {
    let entry = known.get(argument);
    if (entry === undefined) {
      entry = { result: make(argument) };
      known.set(argument, entry);
    }
    return entry.result;
  };
}
