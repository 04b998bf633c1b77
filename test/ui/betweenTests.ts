import { afterEach, beforeEach } from 'node:test';
import type { Workbench } from '../support/vscodeWorkbench.ts';

/** Each test of the `describe` begins with a tidy window; of one that fails there is a picture. */
export function tidyBetweenTests(workbench: () => Workbench): void {
  beforeEach(() => workbench().tidyUp());

  afterEach(async context => {
    const { name, passed } = context as { name: string; passed?: boolean };
    if (!passed) await workbench().screenshot(`failed ${name.replaceAll(/\W+/g, '-')}`);
  });
}
