#!/bin/bash
# Fleet of fake SSH machines. Each host = own net+mount+pid+uts+ipc namespace, overlay root
# (writes go to a private tmpfs => files NOT shared), own sshd, own user, own boot id.
# The client side is the netns "$NET-hub" (bridge 192.0.2.0/24, TEST-NET-1, no route out).
# usage: hosts.sh start N [DELAY_MS [LOSS_PCT]] | stop | status
#        (DELAY_MS one way and LOSS_PCT by a userspace TAP link: this kernel has no netem)
#        hosts.sh cut|heal|drop|undrop|rate H [mbit] | killsshd|startsshd H | crash H | boot H | reboot H
#        hosts.sh exec H CMD...  (as root in the host) | hub CMD...  (client side) | freeze|thaw H
set -euo pipefail
NET=${HSM_NET:-hsm}                     # prefix, so that pytest-xdist workers can have own fleets
B=${HSM_HOSTS_DIR:-${TMPDIR:-/tmp}/hsm-fleet-$NET}
SUB=${HSM_SUBNET:-192.0.2}
SIZE=${HSM_HOST_SIZE:-2g}
USERNAME=${HSM_USER:-sweeper}
HERE=$(cd "$(dirname "$0")" && pwd)
hub() { ip netns exec $NET-hub "$@"; }
pid() { cat $B/h$1/pid; }
inh() { local h=$1; shift; nsenter -t $(pid $h) -m -p -n -u -i env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 chroot $B/h$h/root "$@"; }

net_up() { # host i
  ip netns add $NET-h$1
  if [ -n "${2:-}" ] && [ "$2" != 0 ]; then      # userspace delay link (kernel has no netem)
    setsid python3 "$HERE/delaylink.py" $NET-hub v$1 $NET-h$1 eth0 $2 ${3:-0} </dev/null >$B/h$1/delay.log 2>&1 &
    echo $! > $B/h$1/delay.pid
    for _ in $(seq 100); do ip -n $NET-h$1 link show eth0 >/dev/null 2>&1 && ip -n $NET-hub link show v$1 >/dev/null 2>&1 && break; sleep .02; done
  else
    ip -n $NET-hub link add v$1 type veth peer name eth0 netns $NET-h$1
  fi
  ip -n $NET-hub link set v$1 master br0 up
  ip -n $NET-h$1 link set lo up
  ip -n $NET-h$1 addr add $SUB.$1/24 dev eth0
  ip -n $NET-h$1 link set eth0 up
}

disk_up() { # overlay on private tmpfs, kept over "reboot"
  local d=$B/h$1
  mountpoint -q $d/disk || { mount -t tmpfs -o size=$SIZE,mode=755 t$1 $d/disk; mkdir -p $d/disk/upper $d/disk/work; }
}

boot() { # start pid-1 of host $1
  local i=$1 d=$B/h$1
  cat /proc/sys/kernel/random/uuid > $d/boot_id
  HSM_I=$i HSM_D=$d HSM_NET=$NET HSM_USERNAME=$USERNAME HSM_LOWER=${HSM_LOWER:-/} setsid nsenter --net=/run/netns/$NET-h$i \
    unshare -m -p -u -i --fork --kill-child=SIGKILL --propagation private bash "$HERE/hostinit.sh" </dev/null >$d/console.log 2>&1 &
  local up=$!
  echo $up > $d/unshare.pid
  for _ in $(seq 250); do
    p=$(pgrep -P $up 2>/dev/null | head -1 || true)
    if [ -n "$p" ] && [ -s $d/ready ]; then echo $p > $d/pid; return 0; fi
    kill -0 $up 2>/dev/null || { cat $d/console.log; return 1; }
    sleep .02
  done
  echo "host $i did not boot"; cat $d/console.log; return 1
}
crash() { kill -9 $(cat $B/h$1/unshare.pid) 2>/dev/null || true; kill -9 $(pid $1) 2>/dev/null || true
          for _ in $(seq 100); do grep -qs '^State:.[^Z]' /proc/$(pid $1)/status || break; sleep .02; done; rm -f $B/h$1/ready; }

case "${1:-}" in
start)
  N=${2:-3}; D=${3:-0}
  mkdir -p $B; chmod 755 $B
  [ -f $B/id_ed25519 ] || ssh-keygen -q -t ed25519 -N '' -f $B/id_ed25519 -C hsm-test
  ip netns add $NET-hub; ip -n $NET-hub link set lo up
  ip -n $NET-hub link add br0 type bridge; ip -n $NET-hub addr add $SUB.254/24 dev br0; ip -n $NET-hub link set br0 up
  : > $B/known_hosts; : > $B/ssh_config
  for i in $(seq $N); do
    d=$B/h$i; mkdir -p $d/disk $d/root; chmod 755 $d
    [ -f $d/hostkey ] || ssh-keygen -q -t ed25519 -N '' -f $d/hostkey -C h$i
    echo "$SUB.$i $(cut -d' ' -f1,2 $d/hostkey.pub)" >> $B/known_hosts
    printf 'Host h%s\n  HostName %s\n  User %s\n' $i $SUB.$i $USERNAME >> $B/ssh_config
    disk_up $i; net_up $i $D ${4:-0}
  done
  printf 'Host *\n  IdentityFile %s\n  IdentitiesOnly yes\n  UserKnownHostsFile %s\n  StrictHostKeyChecking yes\n' $B/id_ed25519 $B/known_hosts >> $B/ssh_config
  ps=(); for i in $(seq $N); do boot $i & ps+=($!); done; wait "${ps[@]}"
  ;;
stop)
  for d in $B/h*/; do [ -d $d ] || continue
    i=$(basename $d); i=${i#h}
    crash $i; [ -f $d/delay.pid ] && kill $(cat $d/delay.pid) 2>/dev/null || true
    umount -l $d/disk 2>/dev/null || true; ip netns del $NET-h$i 2>/dev/null || true
  done
  ip netns del $NET-hub 2>/dev/null || true
  rm -rf --one-file-system $B ;;
status) for d in $B/h*/; do i=$(basename $d); i=${i#h}; echo "$SUB.$i pid=$(pid $i) alive=$(kill -0 $(pid $i) 2>/dev/null && echo y || echo n)"; done ;;
cut)    ip -n $NET-hub link set v$2 down ;;
heal)   ip -n $NET-hub link set v$2 up ;;
drop)   ip netns exec $NET-h$2 iptables -I INPUT -j DROP; ip netns exec $NET-h$2 iptables -I OUTPUT -j DROP ;;
undrop) ip netns exec $NET-h$2 iptables -F ;;
rate)   ip netns exec $NET-hub tc qdisc replace dev v$2 root tbf rate ${3}mbit burst 64k latency 200ms
        ip netns exec $NET-h$2 tc qdisc replace dev eth0 root tbf rate ${3}mbit burst 64k latency 200ms ;;
killsshd) inh $2 pkill -9 -x sshd ;;
startsshd) inh $2 /usr/sbin/sshd -f /etc/ssh/sshd_config_hsm -E /var/log/sshd.log ;;
crash)  crash $2 ;;
boot)   boot $2 ;;
reboot) crash $2; boot $2 ;;
exec)   h=$2; shift 2; inh $h "$@" ;;
hub)    shift; hub "$@" ;;
*) sed -n 2,10p "$0"; exit 2 ;;
esac
