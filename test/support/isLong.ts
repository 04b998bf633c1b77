/** Set by `npm test -- --long`. */
export const longVariable = 'GUESTWIRE_TEST_LONG';

/**
 * Whether to run matrices whole, even where their cases repeat one another, and to take all pictures. The short form
 * still has every case at least once.
 */
export const isLong = process.env[longVariable] === '1';
