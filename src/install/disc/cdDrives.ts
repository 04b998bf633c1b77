/** A CD drive as libvirt shows it in a domain's XML. */
export interface CdDrive {
  /** `hda`, `sda`, …: by it libvirt knows the drive. */
  readonly target: string;
  readonly bus: string;
  /** File, device or URL of the medium; undefined where the drive is empty. */
  readonly path: string | undefined;
  /** The whole `<disk>` element. */
  readonly element: string;
}

/** What is in a drive, in libvirt's words. It can be kept, and put in again. */
export interface Medium {
  /** `file`, `block`, `network`, … */
  readonly type: string;
  /** `raw` for an image of a CD; undefined where libvirt was not told. */
  readonly format: string | undefined;
  /** The element `<source>`; empty for an empty drive. */
  readonly source: string;
}

/**
 * Reads a domain's CD drives. Text of people's (title, description) comes escaped, and metadata stands outside
 * `<devices>`, so elements can be told by their tags alone.
 */
export function cdDrives(domainXml: string): CdDrive[] {
  return diskElements(domainXml)
    .filter(element => attribute(element, 'disk', 'device') === 'cdrom')
    .map(element => ({
      target: attribute(element, 'target', 'dev') ?? '',
      bus: attribute(element, 'target', 'bus') ?? '',
      path: sourceOf(element),
      element,
    }))
    .filter(({ target }) => target !== '');
}

/** Every target that a new drive can't have. */
export function usedTargets(domainXml: string): string[] {
  return diskElements(domainXml).flatMap(element => attribute(element, 'target', 'dev') ?? []);
}

function diskElements(domainXml: string): string[] {
  const devices = domainXml.slice(domainXml.lastIndexOf('<devices>'));
  return devices.match(/<disk[\s>][\s\S]*?<\/disk>/g) ?? [];
}

function sourceOf(element: string): string | undefined {
  const names = ['file', 'dev', 'volume', 'dir', 'name'];
  return names.map(name => attribute(element, 'source', name)).find(value => value !== undefined);
}

/** Of the first tag of that name. libvirt writes attributes in single quotes; hand-made XML may not. */
function attribute(xml: string, tag: string, name: string): string | undefined {
  const [attributes] = new RegExp(`(?<=<${tag}\\s)[^>]*`).exec(xml) ?? [];
  const [, single, double] =
    new RegExp(`(?:^|\\s)${name}=(?:'([^']*)'|"([^"]*)")`).exec(attributes ?? '') ?? [];
  const text = single ?? double;
  return text === undefined ? undefined : unescapeXml(text);
}

export function mediumOf({ element }: CdDrive): Medium {
  return {
    type: attribute(element, 'disk', 'type') ?? 'file',
    format: attribute(element, 'driver', 'type'),
    // Without the number that libvirt gives a medium for as long as it is in.
    source: elementOf(element, 'source').replace(/\sindex=(['"])\d*\1/, ''),
  };
}

export const NO_MEDIUM: Medium = { type: 'file', format: undefined, source: '' };

export function fileMedium(path: string): Medium {
  return { type: 'file', format: 'raw', source: `<source file='${escapeXml(path)}'/>` };
}

/** The drive with another medium in it. All else stays as it is, for libvirt refuses to change more than the medium. */
export function withMedium({ element }: CdDrive, { type, format, source }: Medium): string {
  const driver = elementOf(element, 'driver');
  const bare = ['source', 'backingStore'].reduce(
    (left, name) => left.replace(elementOf(left, name), ''),
    element,
  );
  return setAttribute(bare, 'disk', 'type', type)
    .replace(driver, () => (format === undefined ? driver : setAttribute(driver, 'driver', 'type', format)))
    .replace(
      /<target\s/,
      start => `${driver || format === undefined ? '' : driverXml(format)}${source}${start}`,
    );
}

function driverXml(format: string): string {
  return `<driver name='qemu' type='${escapeXml(format)}'/>`;
}

function setAttribute(xml: string, tag: string, name: string, value: string): string {
  const written = `${name}='${escapeXml(value)}'`;
  return xml.replace(new RegExp(`<${tag}(\\s[^>]*?)?(?=/?>)`), start => {
    const old = new RegExp(`(?<=\\s)${name}=(?:'[^']*'|"[^"]*")`);
    return old.test(start) ? start.replace(old, () => written) : `${start} ${written}`;
  });
}

/** The first of that name, with all that is in it. */
function elementOf(xml: string, name: string): string {
  return new RegExp(`<${name}(?:\\s[^>]*?)?(?:/>|>[\\s\\S]*?</${name}>)`).exec(xml)?.[0] ?? '';
}

/** The bus of a new drive. USB can be plugged in while the guest runs; the others are the chip sets' own. */
export type NewDriveBus = 'usb' | 'scsi' | 'sata' | 'ide';

const TARGET_PREFIX: Readonly<Record<NewDriveBus, string>> = { usb: 'sd', scsi: 'sd', sata: 'sd', ide: 'hd' };

/** An empty one. @param taken targets in use; undefined where no name is left */
export function newDrive(bus: NewDriveBus, taken: readonly string[]): CdDrive | undefined {
  const letters = bus === 'ide' ? 'abcd' : 'abcdefghijklmnopqrstuvwxyz';
  const target = [...letters].map(letter => TARGET_PREFIX[bus] + letter).find(name => !taken.includes(name));
  if (target === undefined) return undefined;
  const element = `<disk type='file' device='cdrom'>${driverXml('raw')}<target dev='${target}' bus='${bus}'/><readonly/></disk>`;
  return { target, bus, path: undefined, element };
}

/** How the running guest can get a drive: by a controller that takes one while it runs. */
export function hotPlugBus(liveXml: string): NewDriveBus | undefined {
  if (hasController(liveXml, 'usb')) return 'usb';
  return hasController(liveXml, 'scsi') ? 'scsi' : undefined;
}

/** What the machine has a controller for from its start: libvirt adds it where it is missing. */
export function coldPlugBus(storedXml: string): NewDriveBus {
  const [, machine = ''] = /<type\s[^>]*machine=['"]([^'"]*)/.exec(storedXml) ?? [];
  if (/(^|-)q35/.test(machine)) return 'sata';
  return /^(pc|isapc)(-|$)/.test(machine) ? 'ide' : 'scsi';
}

function hasController(xml: string, type: string): boolean {
  const controllers = xml.match(/<controller\s[^>]*>/g) ?? [];
  return controllers.some(
    one => new RegExp(`\\stype=['"]${type}['"]`).test(one) && !/\smodel=['"]none['"]/.test(one),
  );
}

export function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll("'", '&apos;')
    .replaceAll('"', '&quot;');
}

function unescapeXml(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&apos;', "'")
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&');
}
