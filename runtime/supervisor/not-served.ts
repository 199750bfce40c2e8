/**
 * Thrown on the way to an answer that a resident supervisor leaves to one of the call's own: the helper then starts that, as if there
 * were no resident one.
 */
export class NotServed extends Error {}
