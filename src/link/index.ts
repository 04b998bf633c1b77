export type { Candidate, CandidateReason, CandidateUse } from './candidate.ts';
export {
  isAutomatic,
  laneCandidates,
  rankCandidates,
} from './candidates.ts';
export {
  type Backend,
  type ChannelDevice,
  type ConsoleDevice,
  type DomainDevices,
  parseDomainDevices,
  type SerialDevice,
} from './domainDevices.ts';
export { type Attempt, type AttemptOutcome, isLinkError, LinkError, type LinkErrorCode } from './errors.ts';
export {
  type FoundReceiver,
  findReceiver,
  type Greeting,
  type ReceiverSearch,
  type SessionOpener,
} from './findReceiver.ts';
export { hostPortCandidate, isHostPort, type OpenHostPortOptions, openHostPort } from './hostPort.ts';
export { CHANNEL_NAME, type Link, type LinkDescription, type LinkKind, type OsFamily } from './link.ts';
export { type ConsoleOpener, chooseCandidate, type OpenLinkOptions, openLink } from './openLink.ts';
