export {
  type Candidate,
  type CandidateUse,
  isAutomatic,
  laneCandidates,
  rankCandidates,
} from './candidates.ts';
export {
  type Backend,
  type ChannelDevice,
  type ConsoleDevice,
  type DomainDevices,
  type OsFamily,
  parseDomainDevices,
  type SerialDevice,
} from './domainDevices.ts';
export { type Attempt, isLinkError, LinkError, type LinkErrorCode } from './errors.ts';
export { type FoundReceiver, findReceiver, type ReceiverSearch, type SessionOpener } from './findReceiver.ts';
export { hostPortCandidate, isHostPort, type OpenHostPortOptions, openHostPort } from './hostPort.ts';
export { CHANNEL_NAME, type Link, type LinkDescription, type LinkKind } from './link.ts';
export { type ConsoleOpener, chooseCandidate, type OpenLinkOptions, openLink } from './openLink.ts';
