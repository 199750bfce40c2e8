#!/bin/sh
# Runs inside the example container: who am I, and where?
status() { sed -n "s/^$1:[[:space:]]*//p" /proc/self/status; }

echo "hostname      $(hostname)"
echo "pid           $$ of $(ls -d /proc/[0-9]* | wc -l) that I see"
echo "user          $(id)"
echo "cgroup        $(grep '^0::' /proc/self/cgroup)"
echo "capabilities  effective $(status CapEff), bounding $(status CapBnd)"
echo "privileges    no_new_privs $(status NoNewPrivs), seccomp $(status Seccomp)"
echo "network       $(ls /sys/class/net | tr '\n' ' ')"
echo "system        $(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release), Linux $(uname -r)"
echo 'mounts'
sed 's/^\([^ ]*\) \([^ ]*\) \([^ ]*\) \([^ ]*\) .*/  \2 \3 \4/' /proc/mounts
