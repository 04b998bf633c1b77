import { readFileSync } from 'node:fs';
import {
  type Candidate,
  type DomainDevices,
  parseDomainDevices,
  rankCandidates,
} from '../../../src/link/index.ts';

/**
 * XML as `virsh dumpxml` of libvirt 9.0.0 printed it for running domains (and one that is shut off), with
 * home directories renamed.
 */
export type FixtureName = 'backends' | 'bare' | 'mixed' | 'mixed-inactive' | 'virtio-only' | 'windows';

function fixtureXml(name: FixtureName): string {
  return readFileSync(new URL(`fixtures/${name}.xml`, import.meta.url), 'utf8');
}

export function fixtureDevices(name: FixtureName): DomainDevices {
  return parseDomainDevices(fixtureXml(name));
}

export function candidateOf(devices: DomainDevices, device: string): Candidate {
  const found = rankCandidates(devices).find(candidate => candidate.device === device);
  if (!found) throw new Error(`no candidate ${device}`);
  return found;
}

/** A domain with the devices given as XML. */
export function domainXml(devices: string, more = ''): string {
  return `<domain type='qemu' id='1'><name>demo</name>${more}<devices>${devices}</devices></domain>`;
}

export function serialXml(port: number, model = 'isa-serial'): string {
  return (
    `<serial type='pty'><source path='/dev/pts/${port}'/><target type='isa-serial' port='${port}'>` +
    `<model name='${model}'/></target><alias name='serial${port}'/></serial>`
  );
}
