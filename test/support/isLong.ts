/** Set by `npm test -- --long`. */
export const longVariable = 'GUESTWIRE_TEST_LONG';

/**
 * Whether a matrix is to be run whole, also where its cases repeat one another, and all pictures are to be taken. The
 * short form still has every case at least once.
 */
export const isLong = process.env[longVariable] === '1';
