import type { CaseResult } from '../sample.ts';
import type { Session } from '../session.ts';
import { channelAgent, channelRandom } from './channel.ts';
import { compression } from './compression.ts';
import { consoleRandom } from './console.ts';
import { delta } from './delta.ts';
import { fanOut } from './fanOut.ts';
import { lanes } from './lanes.ts';
import { receivers } from './receivers.ts';
import { serialRandom, serialText } from './serial.ts';
import { sizes } from './sizes.ts';
import { tree } from './tree.ts';

/** By the name `--only` takes, which is also the result's id. */
export const allCases: Record<string, (session: Session) => Promise<CaseResult>> = {
  'serial-random': serialRandom,
  'serial-text': serialText,
  'console-random': consoleRandom,
  'channel-random': channelRandom,
  'channel-agent': channelAgent,
  compression,
  delta,
  tree,
  sizes,
  'fan-out': fanOut,
  lanes,
  receivers,
};
