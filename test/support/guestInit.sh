#!/bin/sh
# First process of the test guest. Everything it needs is in the initramfs; there is no disk.
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm /dev/virtio-ports /tmp /run /small /ro
mount -t devpts pts /dev/pts
mount -t tmpfs -o mode=1777,size=90% tmp /tmp
mount -t tmpfs run /run
mount -t tmpfs -o size=2m small /small           # for tests of a full disk
mount -t tmpfs -o size=1m ro /ro                 # for tests of a read-only file system
echo 'cannot be changed' > /ro/file
mount -o remount,ro /ro
ln -sf /proc/self/fd /dev/fd
ip link set lo up

while read -r module; do insmod "$module"; done < /lib/modules/load-order

# What udev does elsewhere. Ports appear a moment after the driver; both channels belong to every test guest.
tries=0
until [ -e /dev/virtio-ports/org.guestwire.test ] || [ $tries -gt 500 ]; do
  for port in /sys/class/virtio-ports/*; do
    read -r name < "$port/name" && [ -n "$name" ] && ln -sf "/dev/${port##*/}" "/dev/virtio-ports/$name"
  done 2> /dev/null
  tries=$((tries + 1)); usleep 10000
done

# shellcheck source=/dev/null
. /guestwire-test/boot.env                       # START_RECEIVER, HOSTNAME
# shellcheck disable=SC3028 # it is set by boot.env
hostname "$HOSTNAME"
/sbin/test-agent &
if [ -n "$START_RECEIVER" ]; then
  /sbin/start-receiver; echo $? > /run/receiver.state
fi

# The console: a root shell as on a machine one is logged in to.
while :; do setsid cttyhack sh -l < /dev/ttyS0 > /dev/ttyS0 2>&1; done
