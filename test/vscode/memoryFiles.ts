import * as vscode from 'vscode';

/** A file system of an extension: files in memory, read only. */
export class MemoryFiles implements vscode.FileSystemProvider {
  readonly #files = new Map<string, Uint8Array>();
  readonly onDidChangeFile = new vscode.EventEmitter<vscode.FileChangeEvent[]>().event;

  add(file: string, content: Uint8Array): void {
    this.#files.set(file, content);
  }

  stat({ path }: vscode.Uri): vscode.FileStat {
    const content = this.#files.get(path);
    if (!content && this.#namesIn(path).size === 0) throw vscode.FileSystemError.FileNotFound(path);
    const type = content ? vscode.FileType.File : vscode.FileType.Directory;
    return { type, size: content?.length ?? 0, ctime: 0, mtime: 0 };
  }

  readDirectory({ path }: vscode.Uri): [string, vscode.FileType][] {
    return [...this.#namesIn(path)].map(name => [
      name,
      this.#files.has(`${path}/${name}`) ? vscode.FileType.File : vscode.FileType.Directory,
    ]);
  }

  readFile({ path }: vscode.Uri): Uint8Array {
    const content = this.#files.get(path);
    if (!content) throw vscode.FileSystemError.FileNotFound(path);
    return content;
  }

  watch(): vscode.Disposable {
    return new vscode.Disposable(() => {});
  }

  createDirectory(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  writeFile(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  delete(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  rename(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  #namesIn(folder: string): Set<string> {
    const prefix = `${folder}/`;
    const inside = [...this.#files.keys()].filter(file => file.startsWith(prefix));
    return new Set(inside.map(file => file.slice(prefix.length).split('/')[0] ?? ''));
  }
}
