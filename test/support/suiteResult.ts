/** What a suite hands to the runner. */
export interface SuiteResult {
  passed: number;
  failed: number;
  skipped: Skip[];
}

interface Skip {
  name: string;
  /** As the test gave it; empty when it gave none. */
  reason: string;
}

export function emptyResult(): SuiteResult {
  return { passed: 0, failed: 0, skipped: [] };
}

export function addResults(a: SuiteResult, b: SuiteResult): SuiteResult {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: [...a.skipped, ...b.skipped] };
}
