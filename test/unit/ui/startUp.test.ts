// What every window pays for: what extension.ts imports, and that the rest is loaded once, when it's needed.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { build } from 'esbuild';
import {
  isFinished,
  type TransferRecord,
  type TransferState,
} from '../../../src/engine/transfers/transfer.ts';
import type { App } from '../../../src/ui/app.ts';
import { LazyApp } from '../../../src/ui/startUp/lazyApp.ts';
import { hasInterrupted } from '../../../src/ui/transfers/workspaceStore.ts';
import { repositoryRoot } from '../../support/paths.ts';

/** The sources in a built file and in what it imports at once. */
async function sourcesReadAtOnce(entry: string): Promise<string[]> {
  const { metafile } = await build({
    absWorkingDir: repositoryRoot,
    entryPoints: [entry],
    outdir: 'dist',
    ...{ bundle: true, splitting: true, format: 'esm', platform: 'node', external: ['vscode'] },
    ...{ metafile: true, write: false, logLevel: 'silent' },
  });
  const outputs = Object.entries(metafile.outputs);
  const first = outputs.find(([, { entryPoint }]) => entryPoint === entry)?.[0];
  assert.ok(first);
  const read = new Set([first]);
  for (const name of read) {
    const { imports } = metafile.outputs[name] ?? { imports: [] };
    for (const { kind, path, external } of imports) {
      if (kind === 'import-statement' && !external) read.add(path);
    }
  }
  return [...read].flatMap(name => Object.keys(metafile.outputs[name]?.inputs ?? {})).sort();
}

describe('activation', () => {
  it('reads only what registers commands and views and looks for interrupted transfers', async () => {
    assert.deepEqual(await sourcesReadAtOnce('src/extension.ts'), [
      'src/extension.ts',
      'src/ui/commands/command.ts',
      'src/ui/startUp/lazyApp.ts',
      'src/ui/startUp/lazyTree.ts',
      'src/ui/startUp/lazyViews.ts',
      'src/ui/transfers/workspaceStore.ts',
    ]);
  });

  it('leaves libvirt, the protocol and the transfer to what connects or copies', async () => {
    const layers = (await sourcesReadAtOnce('src/ui/app.ts')).map(source => source.split('/')[1]);
    assert.ok(layers.includes('engine'));
    for (const later of ['libvirt', 'protocol']) assert.ok(!layers.includes(later), later);
  });
});

describe('the look for interrupted transfers', () => {
  const found = (...states: TransferState[]) =>
    hasInterrupted({ load: () => states.map(state => ({ state }) as TransferRecord), save: () => undefined });

  it('finds exactly what was not finished', () => {
    assert.equal(found(), false);
    for (const state of ['done', 'failed', 'cancelled', 'interrupted', 'queued', 'running'] as const) {
      assert.equal(found('done', state), !isFinished(state), state);
    }
  });
});

class FakeApp {
  stops = 0;
  disposals = 0;

  async stop(): Promise<void> {
    this.stops += 1;
  }

  dispose(): void {
    this.disposals += 1;
  }
}

/** A lazy app whose loading ends when the test says so. */
function loading() {
  const { promise, resolve, reject } = Promise.withResolvers<App>();
  const app = new FakeApp();
  const failures: unknown[] = [];
  let loads = 0;
  const load = () => {
    loads += 1;
    return promise;
  };
  const lazyApp = new LazyApp({ load, onFailure: error => failures.push(error) });
  const arrive = () => resolve(app as unknown as App);
  return { lazyApp, app, failures, arrive, reject, loads: () => loads };
}

const settle = () => new Promise(resolve => setImmediate(resolve));

describe('an app that is loaded late', () => {
  it('is loaded once, when something needs it first', async () => {
    const { lazyApp, arrive, loads } = loading();
    assert.equal(loads(), 0);
    const uses = [lazyApp.use(app => app), lazyApp.use(app => app), lazyApp.get()];
    arrive();
    const [first, ...others] = await Promise.all(uses);
    assert.ok(first);
    for (const other of others) assert.equal(other, first);
    assert.equal(loads(), 1);
  });

  it('says at each use that it could not be loaded, and passes on what a use throws', async () => {
    const broken = loading();
    const error = new Error('no such file');
    broken.reject(error);
    assert.equal(await broken.lazyApp.use(() => 'used'), undefined);
    assert.equal(await broken.lazyApp.use(() => 'used'), undefined);
    assert.deepEqual(broken.failures, [error, error]);
    await assert.rejects(broken.lazyApp.get(), error);

    const { lazyApp, arrive, failures } = loading();
    arrive();
    await assert.rejects(
      lazyApp.use(() => Promise.reject(error)),
      error,
    );
    assert.deepEqual(failures, []);
  });

  it('is stopped and disposed once', async () => {
    const { lazyApp, app, arrive } = loading();
    arrive();
    await lazyApp.get();
    await lazyApp.stop();
    lazyApp.dispose();
    lazyApp.dispose();
    await settle();
    assert.deepEqual([app.stops, app.disposals], [1, 1]);
  });

  it('is disposed as it arrives if all is over by then, and nobody is told', async () => {
    const { lazyApp, app, arrive, failures } = loading();
    const use = lazyApp.use(() => 'used');
    const stop = lazyApp.stop();
    lazyApp.dispose();
    arrive();
    await stop;
    assert.equal(await use, undefined);
    assert.deepEqual([app.stops, app.disposals], [0, 1]);
    assert.deepEqual(failures, []);
  });

  it('is not loaded for the sake of its end, nor after it', async () => {
    const { lazyApp, loads } = loading();
    await lazyApp.stop();
    lazyApp.dispose();
    assert.equal(await lazyApp.use(() => 'used'), undefined);
    assert.equal(loads(), 0);
  });
});
