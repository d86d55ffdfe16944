# One visit: what this host does, a line each, ending in "end". Reads only; POSIX sh and coreutils.
# Lines: c counter, g gauge, i text, j JSON, e a part that failed and why. ROLE_PROBES, PRIVATE_IP
# and DATA_PATHS are set before it by the collector.
(
LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
unset CDPATH ENV
say() { printf '%s\n' "$*"; }
oneline() { tr -s '\n\t ' '   ' | cut -c1-300; }

say "g clock $(date +%s.%N)"
read -r up _ </proc/uptime && say "g uptime $up"
read -r boot </proc/sys/kernel/random/boot_id && say "i boot_id $boot"

# In a system container /proc shows the whole machine: its own cgroup tells the truth.
boxed=
if [ -e /run/systemd/container ] || { tr "\0" "\n" </proc/1/environ; } 2>/dev/null | grep -q "^container="
then boxed=1; fi
cg=/sys/fs/cgroup
[ -r $cg/cpu.stat ] || cg=/sys/fs/cgroup/unified
cpus=$(nproc 2>/dev/null || grep -c '^processor' /proc/cpuinfo)

if [ "$boxed" ]; then
  say "i measured_in cgroup"
  if [ -r $cg/cpu.stat ]; then
    awk '$1=="usage_usec"{printf "c cpu_s %.6f\n", $2/1e6}' $cg/cpu.stat
  elif [ -r /sys/fs/cgroup/cpuacct/cpuacct.usage ]; then
    awk '{printf "c cpu_s %.6f\n", $1/1e9}' /sys/fs/cgroup/cpuacct/cpuacct.usage
  else say "e cpu no cpu.stat in the container's cgroup"; fi
  [ -r $cg/cpu.max ] && quota=$(awk '$1!="max"{printf "%.3f", $1/$2}' $cg/cpu.max) && [ "$quota" ] && cpus=$quota
  [ -r $cg/io.pressure ] && awk -F'total=' '/^some/{printf "c iowait_s %.6f\n", $2/1e6}' $cg/io.pressure
  total=$(awk '/^MemTotal:/{printf "%.0f", $2*1024}' /proc/meminfo)
  if [ -r $cg/memory.current ]; then
    read -r limit <$cg/memory.max
    [ "$limit" = max ] || total=$limit
    read -r current <$cg/memory.current
    awk -v c="$current" '$1=="inactive_file"{printf "g memory_used_bytes %.0f\n", c-$2}' $cg/memory.stat
  else
    # Without a memory controller: what its processes hold, shared pages split among them.
    cat /proc/[0-9]*/smaps_rollup 2>/dev/null |
      awk '/^Pss:/{s+=$2} END{if (s) printf "g memory_used_bytes %.0f\n", s*1024; else print "e memory neither a memory controller nor smaps_rollup"}'
  fi
  say "g memory_total_bytes $total"
  cat /proc/[0-9]*/stat 2>/dev/null |
    awk -v me=$$ '{pid=$1; sub(/^.*\) /, ""); if (pid!=me && ($1=="R" || $1=="D")) n++} END{n-=1; print "g busy_processes", (n>0 ? n : 0)}'
  [ -r $cg/io.stat ] && awk '{d=$1; for (i=2; i<=NF; i++) {split($i, p, "="); if (p[1]=="rbytes") print "c disk_read_bytes/" d, p[2]; if (p[1]=="wbytes") print "c disk_write_bytes/" d, p[2]}}' $cg/io.stat
else
  say "i measured_in host"
  awk -v hz="$(getconf CLK_TCK 2>/dev/null || echo 100)" -v n="$cpus" '$1=="cpu"{
    printf "c cpu_s %.2f\nc iowait_s %.4f\n", ($2+$3+$4+$7+$8+$9)/hz, $6/hz/n}' /proc/stat
  awk '/^MemTotal:/{t=$2} /^MemAvailable:/{a=$2} END{printf "g memory_total_bytes %.0f\ng memory_used_bytes %.0f\n", t*1024, (t-a)*1024}' /proc/meminfo
  awk '{print "g load1", $1}' /proc/loadavg
  for disk in /sys/block/*; do
    [ -e "$disk/device" ] && awk -v d="${disk##*/}" '{printf "c disk_read_bytes/%s %.0f\nc disk_write_bytes/%s %.0f\n", d, $3*512, d, $7*512}' "$disk/stat"
  done
fi
say "g cpus $cpus"

awk 'NR>2{sub(/^ +/, ""); split($0, p, ":"); if (p[1]!="lo" && p[1]!~/^(veth|docker|br-|virbr|tap|vnet)/) {split(p[2], f, " "); printf "c net_rx_bytes/%s %.0f\nc net_tx_bytes/%s %.0f\n", p[1], f[1], p[1], f[9]}}' /proc/net/dev

# A dead network mount would hang df: local file systems only, and not for ever.
used() { timeout 5 df -P -k "$1" 2>/dev/null | awk 'NR==2 && ($3+$4)>0{printf "%s %.2f\n", $6, 100*$3/($3+$4)}'; }
set -- $(used /)
if [ $# = 2 ]; then say "g disk_used_percent $2"; else say "e disk df / gave nothing"; fi
fullest=
for path in $DATA_PATHS; do
  [ -d "$path" ] || continue
  set -- $(used "$path")
  [ $# = 2 ] && [ "$1" != / ] && fullest=$(printf '%s\n' "$2" "${fullest:-0}" | sort -rn | head -n 1)
done
[ "$fullest" ] && say "g disk_data_used_percent $fullest"

# HTTP without needing curl: bash is on every supported system, python3 wherever Patroni is.
fetch() {
  if command -v curl >/dev/null; then
    curl -sS -m 3 "http://$1:$2$3" 2>&1
  elif command -v bash >/dev/null; then
    timeout 3 bash -c 'exec 3<>"/dev/tcp/$1/$2" && printf "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n" "$3" "$1" >&3 && sed "1,/^\r*$/d" <&3' _ "$1" "$2" "$3" 2>&1
  else
    timeout 5 python3 -c 'import sys, urllib.request as u; print(u.urlopen("http://%s:%s%s" % tuple(sys.argv[1:]), timeout=3).read().decode())' "$1" "$2" "$3" 2>&1
  fi | oneline_json
}
oneline_json() { tr -s '\n\r\t ' '    '; }
document() { # name, port, path
  text=$(fetch "$PRIVATE_IP" "$2" "$3")
  case $text in
    *'{'*) say "j $1 $text" ;;
    *) say "e $1 $(say "${text:-no answer on $PRIVATE_IP port $2}" | oneline)" ;;
  esac
}
for probe in $ROLE_PROBES; do
  case $probe in
    postgresql)
      document patroni 8008 /patroni
      document patroni_cluster 8008 /cluster
      document etcd 2379 /health
      cd / && answer=$(timeout 5 runuser -u postgres -- psql -XAtq -F' ' -d postgres -c "SELECT count(*) - 1, (SELECT sum(xact_commit + xact_rollback)::bigint FROM pg_stat_database) FROM pg_stat_activity WHERE backend_type = 'client backend'" 2>&1)
      case $answer in
        [0-9]*' '[0-9]*) set -- $answer; say "g pg_connections $1"; say "c pg_transactions $2" ;;
        *) say "e postgresql $(say "${answer:-psql did not answer in 5 s}" | oneline)" ;;
      esac ;;
  esac
done
say end
)
