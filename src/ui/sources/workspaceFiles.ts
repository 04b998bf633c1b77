import path from 'node:path';
import * as vscode from 'vscode';
import type { SourceInfo, SourceSystem } from '../../transfer/index.ts';
import { isOnDisk, unsavedDocument, uriOf } from './sources.ts';

/**
 * Everything VS Code can read, as sources to copy: the disk directly, other file systems through VS Code, and the text
 * of editors where the user chose it over the saved file.
 *
 * @param unsaved - the sources whose text is taken from the editor
 */
export function workspaceFiles(disk: SourceSystem, unsaved: readonly string[]): SourceSystem {
  const inEditor = (source: string) => (unsaved.includes(source) ? unsavedDocument(source) : undefined);
  const systemOf = (source: string) => (isOnDisk(source) ? disk : virtualFiles);
  // An editor's text has no time of its own.
  const mtimeMs = Date.now();
  const textInfo = async (document: vscode.TextDocument) => ({
    size: (await textOf(document)).length,
    mtimeMs,
  });
  return {
    async stat(source, options) {
      const document = inEditor(source);
      if (!document) return systemOf(source).stat(source, options);
      const mode = await savedMode(source, document, systemOf(source));
      return { type: 'file', ...(await textInfo(document)), mode };
    },
    async open(source) {
      const document = inEditor(source);
      if (!document) return systemOf(source).open(source);
      return { look: () => textInfo(document), readAll: () => textOf(document) };
    },
    list: directory => systemOf(directory).list(directory),
    readLink: source => systemOf(source).readLink(source),
    join: (directory, name) => systemOf(directory).join(directory, name),
    baseName: source => systemOf(source).baseName(source),
  };
}

/** Of the saved file, if there is one. */
async function savedMode(
  source: string,
  document: vscode.TextDocument,
  system: SourceSystem,
): Promise<SourceInfo['mode']> {
  if (document.isUntitled) return undefined;
  const saved = await system.stat(source, { followLinks: true }).catch(() => undefined);
  return saved?.mode;
}

/** In the editor's encoding and with its line ends, as saving would write it. */
async function textOf(document: vscode.TextDocument): Promise<Uint8Array> {
  return vscode.workspace.encode(document.getText(), { encoding: document.encoding });
}

/** VS Code's API reads only whole files, so such a source is held in memory while it's sent. */
const virtualFiles: SourceSystem = {
  async stat(source, { followLinks }) {
    const uri = uriOf(source);
    if (uri.scheme === 'untitled') throw coded('ENOENT', 'the editor was closed');
    const { type, size, mtime } = await asNodeError(vscode.workspace.fs.stat(uri));
    return { type: typeOf(type, followLinks), size, mtimeMs: mtime, mode: undefined };
  },
  async *list(directory) {
    const entries = await asNodeError(vscode.workspace.fs.readDirectory(uriOf(directory)));
    for (const [name] of entries) yield name;
  },
  async readLink() {
    throw coded('EINVAL', "VS Code can't read symbolic links");
  },
  async open(source) {
    const uri = uriOf(source);
    const look = async () => {
      const { size, mtime } = await asNodeError(vscode.workspace.fs.stat(uri));
      return { size, mtimeMs: mtime };
    };
    return { look, readAll: () => asNodeError(vscode.workspace.fs.readFile(uri)) };
  },
  join: (directory, name) => vscode.Uri.joinPath(uriOf(directory), name).toString(),
  baseName: source => path.posix.basename(uriOf(source).path) || 'untitled',
};

/**
 * The target of a symbolic link can't be read, so a link is copied as the file or folder it points to. A link to a
 * folder inside a folder isn't followed, because it may lead in a circle.
 */
function typeOf(type: vscode.FileType, followLinks: boolean): SourceInfo['type'] {
  if (type & vscode.FileType.Directory && type & vscode.FileType.SymbolicLink && !followLinks)
    return 'special';
  if (type & vscode.FileType.Directory) return 'directory';
  return type & vscode.FileType.File ? 'file' : 'special';
}

const CODES: ReadonlyMap<string, string> = new Map([
  ['FileNotFound', 'ENOENT'],
  ['NoPermissions', 'EACCES'],
  ['FileIsADirectory', 'EISDIR'],
  ['FileNotADirectory', 'ENOTDIR'],
]);

async function asNodeError<T>(reading: Thenable<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    const code = error instanceof vscode.FileSystemError ? CODES.get(error.code) : undefined;
    throw coded(code ?? 'EIO', error instanceof Error ? error.message : String(error));
  }
}

function coded(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
