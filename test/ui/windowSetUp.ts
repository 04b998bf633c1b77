import { SetUp } from '../support/setUp.ts';
import { openWorkbench, type Workbench } from '../support/vscodeWorkbench.ts';
import { TestWorkspace } from './workspace.ts';

/** With a workspace, and VS Code's window on it. */
export class WindowSetUp extends SetUp {
  readonly workspace = new TestWorkspace();

  constructor() {
    super();
    this.atEnd(() => this.workspace.remove());
  }

  async window(settings: Record<string, unknown>): Promise<Workbench> {
    const workbench = await openWorkbench({ workspace: this.workspace.folder, settings });
    this.atEnd(() => workbench.close());
    return workbench;
  }
}
