/**
 * Everything below the user interface that is worth loading late: libvirt, links, protocol, copying. It is a bundle of
 * its own, read when the first connection or copy wants it, so that activating the extension costs next to nothing.
 */
export { connect, isLibvirtError, parseUri } from 'libvirt';
export { isHostPort, isLinkError, openLink, parseDomainDevices, rankCandidates } from '../link/index.ts';
export { localDisk } from '../transfer/index.ts';
export { chooseConnection } from './guest/chooseConnection.ts';
export { openGuest } from './guest/openGuest.ts';
export { codeOfError, describeError } from './messages/describeError.ts';
export { runCopies } from './transfers/runCopies.ts';
