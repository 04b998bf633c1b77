import { l10n } from './l10n.ts';

/**
 * What the layers below say to people, in English, as com-dd prints it; `{0}` stands for names and for words of others,
 * such as libvirt's own. They know nothing of languages: here their sentences are found again by their wording.
 * A unit test has them say each one.
 */
export const SENTENCES: readonly string[] = [
  // cli/messages.ts
  'No receiver answered in {0}: start one there with "python3 receiver.py" and try again.',
  'The receiver in {0} stopped answering: see that it runs, and copy again.',
  'The link to {0} was closed: see that it runs, and copy again.',
  'The receiver in {0} was stopped or restarted: see that it runs, and copy again.',
  'There is no folder {0} in the guest: make it there, or choose another.',
  '{0} is not a folder in the guest, which several files, or a path ending in a separator, need.',
  'The copy failed: {0}.',
  'Something unexpected happened: {0}.',
  'libvirt refuses the definition of {0}: {1}.',
  'The connection to libvirt at {0} was lost: {1}.',
  'libvirt at {0} does not let your user do this ({1}): run "sudo usermod -aG libvirt $USER" and log in again.',
  'libvirt at {0} failed: {1}.',
  'libvirt at {0} does not take this: {1}.',
  'libvirt at {0} took too long: {1}.',
  "{0} can't be used as it is now: {1}.",
  'What answers at {0} does not behave like libvirt: {1}.',
  'Your user may only look at {0}, not copy into its domains: run "sudo usermod -aG libvirt $USER" and log in again.',
  '{0} stopped reading: see that its receiver runs, and copy again.',
  'The link to {0} broke: {1}.',
  // cli/findDomain.ts, cli/diagnose.ts
  'Domain {0} is shut off: start it, and the receiver in it, and copy again.',
  'Domain {0} is shutting down: start it again and copy then.',
  'Domain {0} has crashed: start it again and copy then.',
  'Domain {0} is paused: resume it and copy again.',
  'Domain {0} is asleep: wake it and copy again.',
  'Domain {0} stopped during the copy: start it, and the receiver in it, and copy again.',
  'The connection to libvirt at {0} was lost during the copy: see that its daemon runs, and copy again.',
  // cli/fileMessages.ts
  "{0} can't be read: your user has no permission for it.",
  '{0} did not arrive whole at {1}, and nothing was kept: copy it again.',
  '{0} changed in the guest while it was being replaced: copy it again.',
  'The receiver in the guest could not handle the request for {0}: install the receiver that came with Guestwire.',
  '{0} does not exist on this computer: check its name.',
  "{0} is a directory, which can't be read as a file.",
  '{0} does not exist: a part of its path is not a directory.',
  "{0} can't be read: its symbolic links lead in a circle.",
  'The name {0} is too long for this computer.',
  "{0} can't be opened: this computer has too many files open.",
  "{0} can't be read: its disk reports an error.",
  "{0} is no file or folder, so it can't be copied.",
  '{0} lies outside of the folder the receiver may write to, {1}: choose a path inside it.',
  '{0} lies outside of the folder the receiver may write to: choose a path inside it.',
  '{0} was not written: the receiver in the guest runs in read-only mode.',
  "{0} can't be written: that file system of the guest is mounted read-only.",
  "{0} can't be written: there is no such folder in the guest; make it there, or choose another.",
  "{0} can't be written: a part of that path is not a folder in the guest.",
  "{0} is a folder in the guest, and a file can't replace it: choose another name.",
  '{0} is a symbolic link in the guest, which is not replaced: choose another name, or remove it there.',
  "{0} is a device or socket in the guest, which can't take a file: choose another name.",
  '{0} is gone from the guest.',
  "{0} can't be written: the receiver's user {1} has no permission for it in the guest.",
  "{0} can't be written: the receiver's user has no permission for it in the guest.",
  "{0} was not written: the guest's disk is full; make room there.",
  "{0} was not written: the receiver's user is over its disk quota in the guest.",
  "{0} is too large for the guest's file system at {1}.",
  'The name {0} is too long for the guest.',
  "The guest's file system does not take the name {0}.",
  "{0} can't be written: another program in the guest has it open.",
  '{0} changed while it was copied, and nothing was kept: copy it again.',
  '{0} was not copied: the copy was cancelled.',
  '{0} was not copied: the receiver in the guest stopped answering.',
  '{0} was not copied: the link to the guest was closed.',
  '{0} was not copied: the receiver in the guest was stopped or restarted.',
  '{0} arrived, but the guest could not confirm its SHA-256.',
  '{0} was not copied to {1}: {2}.',
  // link/findReceiver.ts, link/openLink.ts, link/hostPort.ts
  'No receiver answered in domain {0} on its {1}: start one in the guest with {2} and try again.',
  'No receiver answered on {0}: start one in the guest with {1} and try again.',
  'Domain {0} has no link that is safe to try unasked: if a receiver runs on one of these, name it: {1}.',
  'Domain {0} has no link that is safe to try unasked: add a second serial port or a virtio channel {1} to it.',
  'Domain {0} has no device {1}: it has {2}.',
  "The {0} of domain {1} can't be opened: {2}.",
  'The {0} of domain {1} is in use by another program, such as virsh console or another copy: close that and try again.',
  'The host has no serial port {0}.',
  'You may not open {0}: it belongs to another user, or another program has it.',
  'The serial port {0} is in use by another program: close that and try again.',
  "{0} can't be used as a serial port.",
  'The serial port {0} went away.',
  // link/candidates.ts
  'virtio channel {0}',
  '{0} port {1}',
  '{0} console {1}',
  'the fastest link, and only a receiver opens it',
  'no program in the guest has it open',
  'an extra serial port, where no login is expected',
  'Windows has no login on its first serial port',
  "the guest's kernel has its console there ({0}); used only when named",
  'a login may sit on the first serial port; used only when named',
  'a login may sit on a console; used only when named',
  'it belongs to the QEMU guest agent; used only when named',
  'it belongs to SPICE; used only when named',
  'it was made for another program; used only when named',
  // the libvirt package
  'This user may not open libvirt\'s socket {0}; run "sudo usermod -aG libvirt $USER" and log in again.',
  'Nothing answers at libvirt\'s socket {0}; start the daemon with "sudo systemctl start libvirtd".',
  "libvirt's socket {0} does not exist; is libvirtd installed and running?",
  '{0} is not a libvirt URI; one looks like qemu:///system.',
  'libvirt does not let this user use {0}; run "sudo usermod -aG libvirt $USER" and log in again.',
];

interface Pattern {
  readonly sentence: string;
  readonly expression: RegExp;
}

let patterns: readonly Pattern[] | undefined;

/** In the language VS Code runs in, if it is a sentence that is known; else as it is. */
export function translated(text: string): string {
  patterns ??= SENTENCES.map(sentence => ({ sentence, expression: expressionOf(sentence) }));
  for (const { sentence, expression } of patterns) {
    const values = expression.exec(text)?.slice(1);
    if (values) return l10n.known(sentence, ...values);
  }
  return text;
}

/** Values stand in the order of their numbers in every English sentence. */
function expressionOf(sentence: string): RegExp {
  const fixed = sentence.split(/\{\d+\}/).map(part => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${fixed.join('(.+?)')}$`, 's');
}
