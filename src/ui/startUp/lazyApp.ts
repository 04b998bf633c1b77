import type { App } from '../app.ts';

export interface LazyAppOptions {
  /** Called once, by whatever needs the app first. */
  readonly load: () => Promise<App>;
  readonly onFailure: (error: unknown) => void;
}

/** The app, loaded when it's needed. Once this has ended, an app that is still being loaded ends as it arrives. */
export class LazyApp {
  readonly #options: LazyAppOptions;
  #loading: Promise<App> | undefined;
  #ended = false;

  constructor(options: LazyAppOptions) {
    this.#options = options;
  }

  get(): Promise<App> {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  /** @returns undefined if the app can't be loaded, which is reported each time. */
  async use<Result>(work: (app: App) => Result | PromiseLike<Result>): Promise<Result | undefined> {
    const app = await this.get().catch(error => this.#fail(error));
    return app && work(app);
  }

  /** Ends all copies in good order, so that no guest keeps an unfinished file; the next window offers them again. */
  async stop(): Promise<void> {
    this.#ended = true;
    await (await this.#loaded())?.stop();
  }

  dispose(): void {
    this.#ended = true;
    const loaded = this.#loaded();
    this.#loading = undefined;
    void loaded.then(app => app?.dispose());
  }

  async #load(): Promise<App> {
    if (this.#ended) throw new Error('Guestwire has been deactivated');
    const app = await this.#options.load();
    if (!this.#ended) return app;
    app.dispose();
    throw new Error('Guestwire was deactivated while it was being loaded');
  }

  async #loaded(): Promise<App | undefined> {
    return this.#loading?.catch(() => undefined);
  }

  #fail(error: unknown): undefined {
    if (!this.#ended) this.#options.onFailure(error);
  }
}
