#!/bin/bash
# Installs what the service tests start: Slurm with accounting, Grid Engine, sshd, network namespaces, chromium. Debian, as root.
# Starts no daemon: the tests start their own, on loopback and in namespaces, and end them.
set -eu
PACKAGES="slurmctld slurmd slurm-client slurm-wlm-basic-plugins munge
  slurmdbd slurm-wlm-mysql-plugin mariadb-server
  gridengine-master gridengine-exec gridengine-client
  openssh-server openssh-client rsync iptables iproute2 util-linux procps strace bc tcsh gcc libc6-dev
  chromium fonts-dejavu-core"

if ! command -v apt-get >/dev/null || ! grep -qsE '^ID(_LIKE)?=.*debian' /etc/os-release; then
  echo "make services needs Debian (apt-get); this is not Debian. Without it the service tests are skipped." >&2
  exit 1
fi
if dpkg-query -W -f '${db:Status-Status}\n' $PACKAGES 2>/dev/null | sort -u | grep -qx installed &&
   ! dpkg-query -W -f '${db:Status-Status}\n' $PACKAGES 2>&1 | grep -qvx installed; then
  echo "services: all packages are installed"
  exit 0
fi
if [ "$(id -u)" != 0 ]; then
  echo "make services installs Debian packages and must be root. Type: sudo make services" >&2
  exit 1
fi

if [ ! -e /usr/sbin/policy-rc.d ]; then           # packages must not start their daemons
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod 755 /usr/sbin/policy-rc.d
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
# no cell of the package's own
echo 'gridengine-common shared/gridengineconfig boolean false' | debconf-set-selections
apt-get install -y -q --no-install-recommends $PACKAGES
echo "services: installed"
