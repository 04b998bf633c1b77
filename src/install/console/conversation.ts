/** Exclusive use of an open console by a program: a person's keys are held back, but Ctrl-C ends it. */
export interface Conversation {
  /** Aborts when the person presses Ctrl-C, and when the console ends. */
  readonly signal: AbortSignal;
  send(text: string): void;
  /** What the guest says from now on; it is shown as well. @returns how to stop listening. */
  listen(listener: (text: string) => void): () => void;
  release(): void;
}
