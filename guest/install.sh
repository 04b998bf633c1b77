#!/bin/sh
# Installs the Guestwire receiver, so that it runs from now on and after each start of the system.
#
#   sh install.sh                 as root
#   sh install.sh --uninstall     removes all of it
#
# For systemd, OpenRC and busybox's init. `--init NAME` (systemd, openrc, busybox) says which, instead of looking.
# DESTDIR=/some/root installs it into that root, and starts nothing.
set -eu

root=${DESTDIR:-}
lib=/usr/local/lib/guestwire
unit=/etc/systemd/system/guestwire.service
wanted=/etc/systemd/system/multi-user.target.wants/guestwire.service
rc_script=/etc/init.d/guestwire
rc_level=/etc/runlevels/default/guestwire
inittab=/etc/inittab
inittab_line="::respawn:/bin/sh $lib/start"
here=$(cd "$(dirname "$0")" && pwd)

main() {
  task=install init=
  while [ $# -gt 0 ]; do
    case $1 in
      --uninstall) task=uninstall ;;
      --init) [ $# -gt 1 ] || usage; init=$2; shift ;;
      --help | -h) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
      *) usage ;;
    esac
    shift
  done
  case $init in '' | systemd | openrc | busybox) ;; *) usage ;; esac
  [ -n "$root" ] || [ "$(id -u)" = 0 ] || fail 'this must be run as root: try "sudo sh install.sh"'
  "$task"
}

usage() {
  echo 'usage: sh install.sh [--uninstall] [--init systemd|openrc|busybox]' >&2
  exit 2
}

fail() {
  echo "install.sh: $*" >&2
  exit 1
}

install() {
  init=${init:-$(find_init)}
  [ -n "$init" ] || fail "nothing was changed: this system has none of systemd, OpenRC and busybox's init." \
    "Start the receiver yourself: python3 receiver.py"
  [ "$init" != busybox ] || [ -f "$root$inittab" ] || fail "nothing was changed: there is no $inittab to add a line to"
  choose_receiver
  mkdir -p "$root$lib"
  put "$here/$receiver" "$lib/$receiver"
  put "$0" "$lib/install.sh"
  "install_$init"
  [ -z "$root" ] || { echo "installed into $root for $init"; return; }
  "start_$init"
  report
}

# Which init is at work, in this order: Alpine has OpenRC on top of busybox's.
find_init() {
  if [ -n "$root" ]; then fail 'with DESTDIR, --init has to be given'; fi
  if [ -d /run/systemd/system ]; then echo systemd
  elif [ -x /sbin/openrc-run ] && [ -d /etc/runlevels/default ]; then echo openrc
  else case $(readlink /proc/1/exe) in */busybox*) echo busybox ;; esac
  fi
}

# Sets receiver, and command, which runs it.
choose_receiver() {
  # The system's own before one that is only in root's PATH; the last is Red Hat's, where there is no other.
  for python in /usr/bin/python3 python3 /usr/libexec/platform-python; do
    python=$(command -v "$python") || continue
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 6))' 2> /dev/null || continue
    if [ -f "$here/receiver.py" ]; then
      receiver=receiver.py command="$python $lib/receiver.py"
      return
    fi
  done
  fail 'nothing was changed: the receiver needs Python 3.6 or later, and receiver.py beside this script'
}

# Puts a file in place by a rename, so that a service that is being started never sees half of it.
put() {
  [ "$1" = "$root$2" ] && return # run from where it is installed
  cp "$1" "$root$2.new"
  chmod 644 "$root$2.new" # a CD's files can be written by nobody
  mv -f "$root$2.new" "$root$2"
}

# The same for text from standard input.
write() {
  mkdir -p "$(dirname "$root$1")"
  cat > "$root$1.new"
  chmod "$2" "$root$1.new"
  mv -f "$root$1.new" "$root$1"
}

install_systemd() {
  # Type=idle: after the logins on serial consoles, so that the receiver doesn't take one of them for free.
  write $unit 644 << END
[Unit]
Description=Guestwire receiver
StartLimitIntervalSec=0

[Service]
Type=idle
ExecStart=$command
Restart=on-failure
RestartSec=10

[Install]
WantedBy=multi-user.target
END
  # What "systemctl enable" does.
  mkdir -p "$root${wanted%/*}"
  ln -sf $unit "$root$wanted"
}

start_systemd() {
  systemctl daemon-reload
  systemctl restart guestwire || true # what came of it is reported
}

install_openrc() {
  write $rc_script 755 << END
#!/sbin/openrc-run
description="Guestwire receiver"
supervisor=supervise-daemon
command=${command%% *}
command_args=${command#* }
respawn_delay=10
respawn_max=0

depend() {
  # Not "need": Debian's and Devuan's OpenRC has no localmount, and would never start it.
  after localmount bootmisc udev mdev
}
END
  # What "rc-update add" does.
  mkdir -p "$root${rc_level%/*}"
  ln -sf $rc_script "$root$rc_level"
}

start_openrc() {
  rc-service guestwire restart || true # what came of it is reported
}

install_busybox() {
  write $lib/start 644 << END
# Started by init, and again whenever it ends. Not too often, because there may be no port to serve.
$command
sleep 10
END
  { without_our_line; echo "$inittab_line"; } > "$root$inittab.new"
  replace_inittab
}

without_our_line() {
  grep -vxF "$inittab_line" "$root$inittab" || true # an empty file is what is left then
}

# Keeps its owner and mode: only init's own file has a say in them.
replace_inittab() {
  cp -p "$root$inittab" "$root$inittab.kept"
  cat "$root$inittab.new" > "$root$inittab.kept"
  mv -f "$root$inittab.kept" "$root$inittab"
  rm -f "$root$inittab.new"
}

start_busybox() {
  stop_processes # an older version; init starts the new one
  kill -HUP 1
}

uninstall() {
  if [ -e "$root$unit" ] || [ -L "$root$wanted" ]; then
    [ -n "$root" ] || systemctl stop guestwire || true # it may not have been running
    rm -f "$root$unit" "$root$wanted"
    [ -n "$root" ] || systemctl daemon-reload
  fi
  if [ -e "$root$rc_script" ] || [ -L "$root$rc_level" ]; then
    [ -n "$root" ] || rc-service guestwire stop || true
    rm -f "$root$rc_script" "$root$rc_level"
  fi
  if [ -f "$root$inittab" ] && grep -qxF "$inittab_line" "$root$inittab"; then
    without_our_line > "$root$inittab.new"
    replace_inittab
    [ -n "$root" ] || kill -HUP 1
  fi
  [ -n "$root" ] || stop_processes
  for file in receiver.py start install.sh; do rm -f "$root$lib/$file"; done
  [ ! -d "$root$lib" ] || rmdir "$root$lib" 2> /dev/null || echo "not removed, because there are other files in it: $lib"
  echo 'The Guestwire receiver is no longer installed.'
}

# Process ids of the receiver, and of what starts it again.
our_processes() {
  for process in /proc/[0-9]*; do
    case $(tr '\0' ' ' 2> /dev/null < "$process/cmdline") in
      *" $lib/start "* | *" $lib/receiver."*) echo "${process#/proc/}" ;;
    esac
  done
}

# What starts it again first: it came first, and so has the lower number.
stop_processes() {
  tries=0
  while pids=$(our_processes) && [ -n "$pids" ] && [ $tries -lt 10 ]; do
    # shellcheck disable=SC2086 # one or several numbers
    kill $pids 2> /dev/null || true
    tries=$((tries + 1))
    sleep 1
  done
}

# Whether the receiver itself is there, not only what starts it.
runs() {
  for pid in $(our_processes); do
    [ "$(tr '\0' ' ' 2> /dev/null < "/proc/$pid/cmdline")" != "$command " ] || return 0
  done
  return 1
}

# The receiver ends by itself within moments if it finds no port.
report() {
  tries=0
  until runs || [ $tries -ge 15 ]; do
    tries=$((tries + 1))
    sleep 1
  done
  sleep 2
  if runs; then
    echo "The Guestwire receiver runs ($command), and will after each start ($init)."
    return
  fi
  echo "The Guestwire receiver is installed ($init), but found no free port to serve; it tries again every 10 s." >&2
  echo "Give this machine the channel org.guestwire.0 or a second serial port. What it says: $command" >&2
}

main "$@"
