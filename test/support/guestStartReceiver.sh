#!/bin/sh
# Starts the receiver in the background and returns when it serves its ports (has them open).
# shellcheck source=/dev/null
. /guestwire-test/boot.env                       # RECEIVER_COMMAND, RECEIVER_PORTS, RECEIVER_ARGUMENTS (quoted for eval)
eval "set -- $RECEIVER_PORTS $RECEIVER_ARGUMENTS"
# shellcheck disable=SC2086 # a command with its arguments
setsid $RECEIVER_COMMAND "$@" < /dev/null >> /run/receiver.log 2>&1 3>&- &
pid=$!
echo $pid > /run/receiver.pid

# Looking costs emulated processor time which the receiver needs to start, so look seldom, and first only at how
# many files it has open (that takes no further process).
tries=0
serves_all() {
  set -- /proc/$pid/fd/*
  [ $# -ge "$files" ] || return 1
  open=$(ls -l /proc/$pid/fd 2> /dev/null)
  for port in $RECEIVER_PORTS; do
    case "$open" in *" -> $(readlink -f "$port")"*) ;; *) return 1 ;; esac
  done
}
files=3
for port in $RECEIVER_PORTS; do files=$((files + 1)); done
until serves_all; do
  if [ ! -d /proc/$pid ] || [ $tries -gt 1500 ]; then
    echo 'the receiver does not serve its ports:' >&2; tail -n 20 /run/receiver.log >&2; exit 1
  fi
  tries=$((tries + 1)); usleep 100000
done
