const USAGE = 'Usage: com-dd [options] <Guest Domain> <In File>... <Out Path>\n       com-dd --list';

export const HELP = `${USAGE}

Copies files and folders into a KVM guest over its serial port or virtio channel.
A receiver must be running in the guest: python3 receiver.py

  Guest Domain   name, UUID or id of a running domain
  In File        file or folder on this computer; with several, Out Path is a directory.
                 Folders of the same name merge; files of the same name are refused
  Out Path       path in the guest: a directory (if it exists, or the path ends in "/")
                 takes the files under their own names; a character device such as
                 /dev/null is written directly; anything else is the copy's name

Options:
  -c, --connect URI     libvirt connection (default: LIBVIRT_DEFAULT_URI, else
                        qemu:///system if it can be used, else qemu:///session)
      --link auto|DEVICE
                        auto tries the channel org.guestwire.0 and extra serial ports,
                        but never a port on which a login may be. DEVICE is an alias
                        (serial1, channel0, console1), the name of a channel, or a
                        serial port or pty of this computer (/dev/pts/3; Guest Domain
                        is then only a name, and libvirt isn't asked)
      --also DOMAIN     also copy into this domain, at the same time; can be repeated
      --conflict ask|overwrite|skip|newer|rename
                        what to do if a different file has that name in the guest
                        (default: ask at a terminal, otherwise fail). A file that this
                        copy itself has just made is never overwritten unasked
      --compress auto|on|off
                        compress data in transit; auto compresses where measurements
                        show it is faster
      --delta auto|on|off
                        send only the changed parts of existing files; auto does so
                        where it is likely to be faster
      --lanes auto|on|off
                        use additional serial ports for large transfers; auto uses
                        them where measurements show it is faster
      --checksum        compare existing files in folders by SHA-256 (default: skip
                        files of the same size and time)
      --json            print the result as one JSON object
      --quiet           print only errors
      --list            list the domains, their state and their links
      --version         print the version
      --help            print this help

Exit code: 0 all copied and verified, 1 something was not, 2 wrong usage,
130 interrupted.
`;
