import type { ListedDomain } from 'libvirt';
import type { DomainTarget } from '../../../src/engine/guest/target.ts';
import { type Message, message } from '../../../src/engine/messages/message.ts';
import type { CopyRequest, CopySummary } from '../../../src/engine/transfers/transfer.ts';
import type { LinkDescription } from '../../../src/link/index.ts';
import type { CopyProgress, CopyResult, FileResult } from '../../../src/transfer/index.ts';

export const link: LinkDescription = { kind: 'channel', element: 'channel', device: 'org.guestwire.0' };

/** A message that shows as the text in quotation marks. */
export const said = (text: string): Message => message('quoted', text);

export const sha256 = 'ab'.repeat(32);

export const target: DomainTarget = {
  kind: 'domain',
  uri: 'qemu:///system',
  uuid: '11111111-2222-3333-4444-555555555555',
  name: 'web',
  link: 'auto',
};

export const request: CopyRequest = {
  target,
  sources: ['/home/me/notes.txt'],
  unsaved: [],
  destination: '/srv/',
  conflict: 'ask',
};

export function requestTo(name: string): CopyRequest {
  return { ...request, target: { ...target, name, uuid: `uuid-${name}` } };
}

export const copied: FileResult = {
  source: '/home/me/notes.txt',
  destination: '/srv/notes.txt',
  bytes: 1000,
  sha256,
  verified: true,
  skipped: false,
};

export function resultOf(...files: FileResult[]): CopyResult {
  return {
    files,
    bytes: 1000,
    wireBytes: 1100,
    seconds: 0.5,
    bytesPerSecond: 2000,
    resumedFrom: 0,
    lanes: 1,
  };
}

export const outcome: CopySummary = {
  files: 1,
  links: 0,
  verified: 1,
  identical: 0,
  skipped: 0,
  unchanged: 0,
  failed: 0,
  resumedFrom: 0,
  lanes: 1,
  bytes: 1000,
  wireBytes: 1100,
  seconds: 0.5,
  bytesPerSecond: 2000,
  link,
  failures: [],
  hashes: [{ destination: '/srv/notes.txt', sha256 }],
};

export const progress: CopyProgress = {
  file: '/home/me/notes.txt',
  filesDone: 0,
  filesTotal: 1,
  bytesDone: 450_000,
  bytesTotal: 1_000_000,
  wireBytes: 500_000,
  bytesPerSecond: 50_000,
  wireBytesPerSecond: 55_000,
  etaSeconds: 11,
};

export function domainOf(name: string, state: ListedDomain['state'] = 'running'): ListedDomain {
  const uuid = `00000000-0000-0000-0000-${Buffer.from(name).toString('hex').padStart(12, '0').slice(-12)}`;
  return { name, uuid, id: state === 'shutoff' ? undefined : 1, state };
}
