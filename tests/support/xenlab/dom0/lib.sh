# What the scripts that run in dom0 have at hand (BASH_ENV).

waitfor() { # NAME PATTERN [SECONDS]: wait until a guest's console says it
  local second
  for second in $(seq "${3:-120}"); do
    grep -aqE "$2" "/var/log/xen/console/guest-$1.log" 2>/dev/null && echo "$1: $2 after $second s" && return 0
    sleep 1
  done
  echo "$1: no $2"
  return 1
}

waitgone() { # NAME [SECONDS]: wait until a domain has ended
  local second
  for second in $(seq "${2:-60}"); do
    xl domid "$1" >/dev/null 2>&1 || { echo "$1 gone after $second s"; return 0; }
    sleep 1
  done
  echo "$1 is still here"
  return 1
}

pvready() { python3 -m xenlab.dom0.pvready "$(xl domid "$1")" "${@:2}"; } # NAME [suspend]
fullcore() { python3 -m xenlab.dom0.fullcore "$(xl domid "$1")" "$2"; }   # NAME FILE

neversave() { # NAME FILE: `xl save` of a PVH domain that never ran; dom0 answers the request to suspend in its place
  local id tries save status
  id=$(xl domid "$1")
  timeout 100 xl save "$1" "$2" &
  save=$!
  for tries in $(seq 100); do
    [ "$(xenstore-read "/local/domain/$id/control/shutdown" 2>/dev/null)" = suspend ] && break
    sleep 0.1
  done
  xenstore-write "/local/domain/$id/control/shutdown" ""
  python3 -m xenlab.dom0.suspended "$id"
  wait $save
  status=$?
  echo "$1: xl save: status $status (asked after $tries tenths of a second)"
  return $status
}
