import { FILE_ENGLISH } from './englishOfFiles.ts';

/**
 * The one catalogue of what the layers below `cli` and `ui` have to say: id → English, which is also the key of its
 * translations. `{0}` stands for a name, a number, words of somebody else, or another message. What a front end adds of
 * its own (com-dd's options, VS Code's buttons) stands there.
 */
export const ENGLISH = {
  ...FILE_ENGLISH,

  // How messages are put together.
  'join.list': '{0}, {1}',
  'join.sentences': '{0} {1}',
  'join.or': '{0} or {1}',
  quoted: '"{0}"',

  // A connection that was taken because a better one can't be; {1} is the reason.
  'connection.instead': '{0} ({1})',
  'note.connection-instead': 'Using {0}, because {1}.',
  'passed-over.not-running': "{0} can't be reached: its daemon isn't running",
  'passed-over.silent': "{0} can't be reached: its daemon doesn't answer",
  'passed-over.denied': "{0} can't be used: you don't have permission",
  'passed-over.read-only': "{0} can't be used: you have only read-only access",
  'passed-over.other': "{0} can't be used: libvirt reports an error",

  // Who is spoken of.
  'guest.domain': 'domain "{0}"',
  'guest.unnamed': 'the guest',

  // States of a domain (libvirt's virDomainState).
  'state.running': 'running',
  'state.paused': 'paused',
  'state.shutdown': 'shutting down',
  'state.shutoff': 'shut off',
  'state.crashed': 'crashed',
  'state.pmsuspended': 'asleep',
  'state.nostate': 'state unknown',

  // Links, and why each is tried or not.
  'link.channel': 'virtio channel {0}',
  'link.serial': '{0} port {1}',
  'link.console': '{0} console {1}',
  'link.pty': 'pty {0}',
  'link.host-port': 'serial port {0}',
  'reason.backend': 'libvirt opens only the backend {1}, and this one has "{0}"',
  'reason.closed-in-guest': 'no program in the guest has it open',
  'reason.extra-port': 'an extra serial port, where no login is expected',
  'reason.fastest': 'the fastest link, and only a receiver opens it',
  'reason.guest-agent': 'belongs to the QEMU guest agent; used only if you name it',
  'reason.spice': 'belongs to SPICE; used only if you name it',
  'reason.other-program': 'made for another program; used only if you name it',
  'reason.other-socket':
    'leads to the socket "{0}" of another program on the host, not straight to the guest; used only if you name it',
  'reason.kernel-console': "the guest's kernel has its console there (console={0}); used only if you name it",
  'reason.login-on-console': 'a login may be on a console; used only if you name it',
  'reason.login-on-first-port': 'a login may be on the first serial port; used only if you name it',
  'reason.named': 'you named it',
  'reason.no-input': 'a debug port takes no input',
  'reason.windows-first-port': 'Windows has no login on its first serial port',

  // Why no link came about.
  'attempt.busy': '{0} (in use by another program)',
  'attempt.closed-in-guest': '{0} (no program in the guest has it open)',
  'attempt.login': '{0} (a login waits there)',
  'attempt.not-opened': "{0} (couldn't be opened)",
  'attempt.shell': '{0} (a shell waits there)',
  'attempt.terminal': '{0} (a terminal is there, such as a shell or a login)',
  'link.no-receiver':
    'No receiver answered in domain "{0}" on its {1}. Start one in the guest with "{2}" and try again.',
  'link.no-receiver-on-port': 'No receiver answered on {0}. Start one in the guest with "{1}" and try again.',
  'link.occupied':
    'No receiver answered in domain "{0}" on its {1}. Start one in the guest with "{2}" on another port, or stop what waits there first.',
  'link.occupied-port':
    'No receiver answered on {0}. Stop what waits there, start a receiver in the guest with "{1}" and try again.',
  'link.none-unasked':
    'Domain "{0}" has no link that is safe to try unasked. Add a second serial port or a virtio channel "{1}".',
  'link.none-unasked-but':
    'Domain "{0}" has no link that is safe to try unasked. If a receiver runs on one of these, name it: {1}.',
  'link.no-such-device': 'Domain "{0}" has no device "{1}". It has {2}.',
  'link.no-device': 'Domain "{0}" has no device "{1}", and no other that can be opened.',
  'link.not-openable': 'The {0} of domain "{1}" can\'t be opened: {2}.',
  'link.busy':
    'The {0} of domain "{1}" is in use by another program, such as virsh console or another copy. Close it and try again.',
  'link.port-busy': 'The serial port "{0}" is in use by another program. Close it and try again.',
  'link.port-missing': 'This computer has no serial port "{0}".',
  'link.port-denied': 'You don\'t have permission to open "{0}". {1}',
  'link.port-denied-or-busy': 'You can\'t open "{0}": it belongs to another user, or another program has it.',
  'link.port-failed': '"{0}" can\'t be used as a serial port.',
  'link.port-lost': 'The serial port "{0}" went away.',
  'link.bad-xml': "libvirt sent a definition of {0} that can't be read.",

  // What is wrong with a destination, before anything is sent.
  'destination.empty': 'Enter a folder in the guest, such as /tmp/.',
  'destination.control-characters': "A path can't contain control characters.",
  'destination.too-long': 'This path is too long.',
  'destination.url': 'Enter a path in the guest, not a URL.',
  'destination.several-to-device': "Enter a folder. Several files can't be copied to a device.",

  // A session with a receiver, as a whole.
  'session.no-receiver':
    'No receiver answered in {0}. Start one there with "python3 receiver.py" and try again.',
  'session.occupied':
    'No receiver answered in {0}: a shell or a login uses the link. Start a receiver on another port and try again.',
  'session.version':
    'The receiver in {0} speaks another version of the protocol. Install the one that came with Guestwire.',
  'session.lost': 'The receiver in {0} stopped answering. Make sure it is running, then copy again.',
  'session.closed': 'The link to {0} was closed. Make sure the receiver is running, then copy again.',
  'session.reset': 'The receiver in {0} was stopped or restarted. Make sure it is running, then copy again.',

  // The copy as a whole.
  'copy.cancelled': 'The copy was cancelled.',
  'copy.failed': 'The copy failed ({0}).',
  'copy.unexpected': 'Something unexpected happened.',
  'copy.no-folder': 'There is no folder "{0}" in the guest. Create it there or choose another folder.',
  'copy.not-a-folder':
    '"{0}" is not a folder in the guest. Copying several files, or to a path ending in a separator, requires one.',

  'copy.same-name':
    '"{0}" and "{1}" would both be called "{2}" in the guest, so nothing was copied. Copy them one by one to different folders.',

  // The domain.
  'domain.shutoff': 'Domain "{0}" is shut off. Start it and its receiver, then copy again.',
  'domain.shutdown': 'Domain "{0}" is shutting down. Start it again, then copy.',
  'domain.crashed': 'Domain "{0}" has crashed. Start it again, then copy.',
  'domain.paused': 'Domain "{0}" is paused. Resume it, then copy again.',
  'domain.pmsuspended': 'Domain "{0}" is asleep. Wake it, then copy again.',
  'domain.daemon-lost':
    "The connection to libvirt at {0} was lost during the copy, and its daemon doesn't answer. Start it, then copy again.",
  'domain.daemon-back':
    'The connection to libvirt at {0} broke during the copy, but its daemon answers now. Copy again.',
  'domain.none': 'There is no {0} at {1}.',
  'domain.no-xml': "libvirt doesn't show you its definition.",

  // Why it's paused, where nobody may have meant it to be; libvirt says so.
  'pause.crashed': 'Domain "{0}" is paused because its system crashed. Start it again, then copy.',
  'pause.dump': 'Domain "{0}" is paused while libvirt dumps its memory. Copy when that is done.',
  'pause.ioerror':
    'Domain "{0}" is paused because one of its disks reported an I/O error. Check the storage on its host, for example whether it is full. Then resume the domain and copy again.',
  'pause.migration': 'Domain "{0}" is paused while it is migrated. Copy when that is done.',
  'pause.save': 'Domain "{0}" is paused while libvirt saves it. Start it when that is done, then copy.',
  'pause.snapshot': 'Domain "{0}" is paused while libvirt takes a snapshot of it. Copy when that is done.',
  'pause.watchdog': 'Domain "{0}" was paused by its watchdog. Resume it, then copy again.',

  // What became of it in the middle of a copy; then {0} is that sentence.
  'stop.crashed': 'Domain "{0}" crashed during the copy.',
  'stop.destroyed': 'Domain "{0}" was forced off during the copy.',
  'stop.from-snapshot': 'Domain "{0}" was reverted to a snapshot during the copy.',
  'stop.migrated': 'Domain "{0}" was migrated to another host during the copy.',
  'stop.saved': 'Domain "{0}" was saved and stopped during the copy.',
  'stop.shutdown': 'Domain "{0}" was shut down during the copy.',
  'stop.unknown': 'Domain "{0}" stopped during the copy.',
  'stop.go-there': '{0} Copy again over a connection to that host.',
  'stop.restore-it': '{0} Start it, which restores it, then copy again.',
  'stop.runs-again': '{0} It runs again. Make sure its receiver is running too, then copy again.',
  'stop.start-it': '{0} Start it and its receiver, then copy again.',

  // Why it refuses somebody, and what to do; {0} is the group that is let in.
  'access.not-a-member': 'You aren\'t in the group "{0}". Run "sudo usermod -aG {0} $USER" and log in again.',
  'access.not-yet':
    'You are in the group "{0}", but this login began before you were. Log out of all sessions and in again.',
  'access.member':
    'You are in the group "{0}", D-Bus and polkit run, and yet polkit refuses. Look at its rules for org.libvirt.unix.manage, and restart libvirt\'s daemon if polkit was started after it.',
  'access.member-of-socket': 'You are in its group "{0}", so it isn\'t its mode that keeps you out.',
  'access.no-group':
    'There is no group "{0}" on this computer. A rule of polkit for org.libvirt.unix.manage has to let you in.',
  'access.no-dbus':
    'You are in the group "{0}", but D-Bus, over which libvirt asks polkit, isn\'t running. Start D-Bus and polkit, then restart libvirt\'s daemon.',
  'access.no-polkit':
    'You are in the group "{0}", but polkit, which libvirt asks, isn\'t running. Start it, then restart libvirt\'s daemon.',
  'access.closed-folder': "A folder on the way to it is closed to you, or it's gone by now.",
  'access.owner-only': 'Only its owner may open it.',
  'access.cancelled': 'The question for a password was cancelled.',
  'access.rules': "One of libvirt's own access rules forbids it.",

  // libvirt.
  'libvirt.says': '{0} libvirt says: "{1}".',
  'libvirt.access-denied': 'You don\'t have permission to open libvirt\'s socket "{0}". {1}',
  'libvirt.denied': "libvirt at {0} doesn't let you do this. {1}",
  'libvirt.auth-failed': "libvirt doesn't let you use {0}. {1}",
  'libvirt.sasl':
    "The daemon at {0} asks for a user name and a password (SASL), which Guestwire doesn't support. Use its local socket or ssh.",
  'libvirt.read-only': "You have read-only access to {0} and can't copy into its domains. {1}",
  'libvirt.bad-device': 'The device "{0}" of {1} can\'t be opened.',
  'libvirt.busy': 'The device "{0}" of {1} is in use by another client. Close it there and try again.',
  'libvirt.bad-uri': '"{0}" is not a libvirt URI. A URI looks like qemu:///system.',
  'libvirt.transport':
    'The URI {0} asks for the transport "{1}", which Guestwire doesn\'t support. Use a local URI or ssh.',
  'libvirt.config': 'libvirt refuses the definition of {0}.',
  'libvirt.connection-lost': 'The connection to libvirt at {0} was lost.',
  'libvirt.silent': "libvirt at {0} doesn't answer. Make sure its daemon is running.",
  'libvirt.failed': 'libvirt at {0} reported an error.',
  'libvirt.invalid-argument': "libvirt at {0} can't handle this request.",
  'libvirt.no-metadata': 'libvirt at {0} has no such metadata.',
  'libvirt.no-pool': 'libvirt at {0} has no such storage pool.',
  'libvirt.no-volume': 'libvirt at {0} has no such storage volume.',
  'libvirt.volume-exists': 'libvirt at {0} already has a storage volume of that name.',
  'libvirt.no-socket': 'libvirt\'s socket "{0}" doesn\'t exist. Make sure libvirtd is installed and running.',
  'libvirt.not-listening':
    'Nothing answers at libvirt\'s socket "{0}". Start the daemon with "sudo systemctl start {1}".',
  'libvirt.own-not-listening': 'Nothing answers at libvirt\'s socket "{0}". Start the daemon that serves it.',
  'libvirt.no-helper':
    '"{0}", which leads to libvirt\'s daemon, couldn\'t be started. Make sure it is installed.',
  'libvirt.operation-invalid': "This isn't possible in the current state of {0}.",
  'libvirt.protocol': 'What answers at {0} is not libvirt.',
  'libvirt.stalled':
    'The guest stopped reading from {0}. Make sure its receiver is running, then copy again.',
  'libvirt.stream-failed': 'libvirt ended the link to {0}.',
  'libvirt.upload-failed': 'libvirt at {0} ended the upload of "{1}".',
  'libvirt.upload-unconfirmed':
    'libvirt at {0} didn\'t confirm the upload of "{1}", which may be incomplete.',
  'libvirt.timeout': 'libvirt at {0} took too long.',
  'libvirt.unsupported': "libvirt at {0} doesn't support this.",

  // The link that a copy takes.
  'note.passed-over': 'Copying over {0} because {1} has no receiver or is in use by another program.',
  'note.channel-is-faster': 'A virtio channel would be many times faster than {0}.',

  // A console in a terminal; {0} is its name.
  'console.name': '{0} in {1}',
  'console.connecting': 'Connecting to {0}…',
  'console.connected': 'Connected to {0}. If nothing shows, press Enter.',
  'console.again': '{0} Press Enter to connect again.',
  'console.dropped': 'Ctrl-C: {0} bytes of what you pasted were not sent.',
  'console.not-reading': "The guest isn't reading: {0} characters were not sent.",
  'console.size':
    'The guest can\'t detect the window size over a serial line. If lines wrap incorrectly, choose "Set Guest Terminal Size" in the menu of the terminal\'s tab, or type "stty rows {0} cols {1}".',
  'console.busy': '{0} is in use by another client.',
  'console.not-running': "{0} can't be opened because the domain isn't running.",
  'console.daemon-gone': '{0} is closed: the libvirt daemon disconnected.',
  'console.domain-stopped': '{0} is closed: the domain was stopped.',
  'console.taken-over': '{0} is closed: another client took it over.',
  'console.ended': '{0} is closed: libvirt ended it without saying why.',
} as const satisfies Readonly<Record<string, string>>;

export type MessageId = keyof typeof ENGLISH;
