// The Debian packages the test guest is made of: which, which version, and how to get them without being root
// and without installing anything.
import fs from 'node:fs';
import path from 'node:path';
import { cacheRoot } from './paths.ts';
import { run } from './processes.ts';

const packageDirectory = path.join(cacheRoot, 'guest/packages');
const aptDirectory = path.join(cacheRoot, 'apt');

/** Shared libraries Python's modules are linked with; sound on Debian 12 and later (t64 names too). */
const libraryNames =
  /^(libc6|zlib1g|libexpat1|libffi\d|libssl3|libbz2-1\.0|liblzma5|libzstd1|libgcc-s1)(t64)?$/;

export interface GuestPackage {
  name: string;
  url: string;
  fileName: string;
  /** As apt names it, with its algorithm: `SHA256:…`. */
  hash: string;
}

/** What the guest needs, in the versions apt would take now. */
export function resolveGuestPackages(): Promise<GuestPackage[]> {
  return resolveOnce('resolved.json', '', resolveSystem);
}

/** Programs some guests have beside the system, with those of the libraries they depend on that match. */
export function resolvePrograms(names: string[], libraries: RegExp): Promise<GuestPackage[]> {
  return resolveOnce('resolved-programs.json', `${names} ${libraries.source}`, async options => {
    const dependencies = await readDependencies(options, names);
    return locate(
      options,
      new Set([...names, ...[...dependencies.keys()].filter(name => libraries.test(name))]),
    );
  });
}

type Resolver = (options: string[]) => Promise<GuestPackage[]>;

/**
 * Asking apt takes seconds where it has no cache of its own, so the answer is kept for as long as its lists and
 * the question (with this file) stay what they are.
 */
async function resolveOnce(name: string, question: string, resolve: Resolver): Promise<GuestPackage[]> {
  const file = path.join(cacheRoot, 'guest', name);
  const key = `${aptStateKey()} ${question}`;
  const known = readResolved(file, key);
  if (known) return known;
  const packages = await resolve([]).catch(async () => {
    // No package lists on this machine, as in a fresh container, or outdated ones: an own set in the cache needs
    // no rights.
    return resolve(await updatePrivateLists());
  });
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, JSON.stringify({ key, packages }));
  return packages;
}

function aptStateKey(): string {
  const watched = [
    '/var/lib/apt/lists',
    '/etc/apt/sources.list',
    '/etc/apt/sources.list.d',
    import.meta.filename,
  ];
  return watched.map(file => fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0).join(' ');
}

function readResolved(file: string, expectedKey: string): GuestPackage[] | undefined {
  try {
    const { key, packages } = JSON.parse(fs.readFileSync(file, 'utf8'));
    return key === expectedKey ? packages : undefined;
  } catch {
    return undefined;
  }
}

async function resolveSystem(options: string[]): Promise<GuestPackage[]> {
  const dependencies = await readDependencies(options, ['linux-image-cloud-amd64', 'python3-minimal']);
  // Debian's kernel for virtual machines is a third of the generic one.
  const kernel = findDependency(dependencies, 'linux-image-cloud-amd64', /^linux-image-\d.*-amd64$/);
  const python = findDependency(dependencies, 'python3-minimal', /^python3\.\d+-minimal$/);
  const stdlib = python.replace(/^python(.*)-minimal$/, 'libpython$1-stdlib');
  const libraries = await readDependencies(options, [python, stdlib]);
  const names = new Set([kernel, 'busybox-static', python, stdlib, python.replace('python', 'libpython')]);
  for (const name of libraries.keys()) if (libraryNames.test(name)) names.add(name);
  return locate(options, names);
}

async function locate(options: string[], names: Set<string>): Promise<GuestPackage[]> {
  const printed = await run('apt-get', [...options, '--print-uris', 'download', ...[...names].sort()]);
  const packages = printed.split('\n').flatMap(parsePrintedUri);
  if (packages.length < names.size)
    throw new Error(`apt knows only ${packages.length} of ${names.size} packages`);
  return packages;
}

function findDependency(dependencies: Map<string, string[]>, name: string, wanted: RegExp): string {
  const found = dependencies.get(name)?.find(dependency => wanted.test(dependency));
  if (!found) throw new Error(`the Debian package ${name} has no dependency like ${wanted.source}`);
  return found;
}

/** Each package with what it depends on, for the named ones and all they depend on. */
async function readDependencies(options: string[], names: string[]): Promise<Map<string, string[]>> {
  // With -i only Depends and PreDepends are listed, indented below their package; <virtual> ones are no use here.
  const listed = await run('apt-cache', [...options, 'depends', '-i', '--recurse', ...names]);
  const dependencies = new Map<string, string[]>();
  let current: string[] = [];
  for (const line of listed.split('\n')) {
    const [, dependency] = /Depends: ([^\s<>]+)/.exec(line) ?? [];
    if (dependency) current.push(dependency);
    if (!/^[^\s<|]/.test(line)) continue;
    current = [];
    dependencies.set(line, current);
  }
  return dependencies;
}

function parsePrintedUri(line: string): GuestPackage[] {
  // 'http://deb.debian.org/…/name_1%3a2_amd64.deb' name_1%3a2_amd64.deb 928188 SHA256:3d3f…
  const [, url, fileName, hash] = /^'([^']+)' (\S+) \d+ (\S+)$/.exec(line) ?? [];
  if (!url || !fileName || !hash) return [];
  return [{ name: fileName.replace(/_.*/, ''), url, fileName, hash }];
}

/** Downloads what is not in the cache yet and unpacks all into `target`. */
export async function unpackGuestPackages(packages: GuestPackage[], target: string): Promise<void> {
  fs.mkdirSync(packageDirectory, { recursive: true });
  const missing = packages.filter(({ fileName }) => !fs.existsSync(path.join(packageDirectory, fileName)));
  if (missing.length > 0) await download(missing.map(({ name }) => name));
  for (const { fileName } of packages) {
    await run('dpkg-deb', ['-x', path.join(packageDirectory, fileName), target]);
  }
}

/** apt checks size, hash and the archive's signature. */
async function download(names: string[]): Promise<void> {
  const get = async (options: string[]): Promise<unknown> =>
    run('apt-get', [...options, '-qq', 'download', ...names], { cwd: packageDirectory, timeoutMs: 600_000 });
  try {
    await get(asSelf);
  } catch {
    // The lists name a version the mirror no longer has.
    await get(await updatePrivateLists());
  }
}

/** As root apt downloads as user `_apt`, who may not reach a checkout under /root; apt then only complains. */
const asSelf = ['-o', 'APT::Sandbox::User=root'];

/** `apt-get update` into the cache, which needs no rights; gives the options that make apt use it. */
async function updatePrivateLists(): Promise<string[]> {
  fs.mkdirSync(path.join(aptDirectory, 'lists/partial'), { recursive: true });
  fs.mkdirSync(path.join(aptDirectory, 'cache/archives/partial'), { recursive: true });
  const options = [
    ...asSelf,
    ...['-o', `Dir::State::Lists=${path.join(aptDirectory, 'lists')}`],
    ...['-o', `Dir::Cache=${path.join(aptDirectory, 'cache')}`],
  ];
  await run('apt-get', [...options, '-qq', 'update'], { timeoutMs: 600_000 });
  return options;
}
