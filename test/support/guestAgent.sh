#!/bin/sh
# Runs commands for the tests, over a channel of its own that knows nothing of Guestwire.
# A request is one line "id seconds base64(command)", its answer one line "id status =base64(out) =base64(err)".
# A command that takes longer is killed with everything it started in the foreground or background; what went
# into a session of its own (setsid) lives on.
exec 3<> /dev/virtio-ports/org.guestwire.test 2>> /run/agent.log
echo 'ready - - -' >&3
while :; do
  # Without a host at the other end a read gives EOF at once: wait for one.
  read -r id seconds command <&3 || { usleep 50000; continue; }
  [ "$id" = hello ] && { echo 'ready - - -' >&3; continue; }
  base=/run/agent.$id
  echo "$command" | base64 -d > "$base"
  setsid sh "$base" < /dev/null > "$base.out" 2> "$base.err" 3>&- &
  pid=$!
  setsid sh -c "sleep $seconds; kill -KILL -$pid" 3>&- &
  watchdog=$!
  wait $pid
  status=$?
  kill -KILL -$watchdog
  echo "$id $status =$(base64 -w0 "$base.out") =$(base64 -w0 "$base.err")" >&3
  rm -f "$base" "$base.out" "$base.err"
done
