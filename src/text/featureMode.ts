/**
 * Whether something that may save time is used: `auto` where it's expected or measured to be faster, `on` wherever it's
 * possible.
 */
export type FeatureMode = 'auto' | 'on' | 'off';
