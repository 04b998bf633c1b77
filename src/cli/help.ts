const USAGE = 'Usage: com-dd [options] <Guest Domain> <In File>... <Out Path>\n       com-dd --list';

export const HELP = `${USAGE}

Copies files and folders into a KVM guest over its serial port or virtio channel.
A receiver must run in the guest: python3 receiver.py

  Guest Domain   name, UUID or id of a running domain
  In File        file or folder of this computer; with several, Out Path is a directory
  Out Path       path in the guest: a directory (it exists, or the path ends in "/")
                 takes the files under their own names; a character device such as
                 /dev/null is written straight; anything else is the copy's name

Options:
  -c, --connect URI     libvirt connection (default: LIBVIRT_DEFAULT_URI, else
                        qemu:///system if it can be used, else qemu:///session)
      --link auto|DEVICE
                        auto tries the channel org.guestwire.0 and extra serial ports,
                        never one on which a login may sit. DEVICE: an alias such as
                        serial1, channel0 or console1, the name of a channel, or a
                        serial port or pty of this computer such as /dev/pts/3 (then
                        Guest Domain is only a name, and libvirt is not asked)
      --also DOMAIN     copy into this domain, too, at the same time; may be repeated
      --conflict ask|overwrite|skip|newer|rename
                        when another file has that name in the guest (default: ask at
                        a terminal, else it is an error)
      --compress auto|on|off
                        compress on the way: auto where that is measured to be faster
      --delta auto|on|off
                        of a file that is there already send only what changed: auto
                        where that is expected to be faster
      --lanes auto|on|off
                        send what is large over further serial ports of the domain,
                        too: auto where that is measured to be faster
      --checksum        compare the files of a folder that is there already by their
                        SHA-256 (default: skip those of the same size and time)
      --json            print the result as one JSON object
      --quiet           print nothing but errors
      --list            print the domains, their state and their links
      --version         print the version
      --help            print this

Exit code: 0 all copied and verified, 1 something was not, 2 wrong usage,
130 interrupted.
`;
