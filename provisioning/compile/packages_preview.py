"""Which packages would be installed, in which version; looks at what the host knows already."""

# Without caches of its own apt writes nothing; a simulation takes no lock either.
APT = """
missing=
for name in {names}; do
    [ "$(dpkg-query -W -f='${{db:Status-Status}}' "$name" 2>/dev/null)" = installed ] \\
        || missing="$missing $name"
done
looks='-o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o Debug::NoLocking=true'
if said=$(apt-get $looks -s -q install -y --no-install-recommends $missing 2>&1); then
    printf '%s\\n' "$said" | awk '
        $1 == "Inst" && $3 ~ /^\\[/ {{ print "would upgrade " $2 " " substr($4, 2); next }}
        $1 == "Inst" {{ print "would install " $2 " " substr($3, 2) }}
        $1 == "Remv" {{ print "would remove " $2 }}'
else
    printf '%s\\n' "$said" | grep '^E:' || true
    known=$(apt-cache $looks policy $missing | awk '
        /^[^ ]/ {{ name = $1 }} $1 == "Candidate:" && $2 != "(none)" {{ print name, $2 }}')
    for name in $missing; do
        version=$(printf '%s\n' "$known" | awk -v name="$name:" '$1 == name {{ print $2 }}')
        echo "would install $name ${{version:-(no candidate known)}}"
    done
fi
"""
DNF = """
missing=
for name in {names}; do rpm -q "$name" >/dev/null || missing="$missing $name"; done
for name in $missing; do
    version=$(dnf -q -C list --available "$name" 2>/dev/null |
        awk -v name="$name" 'index($1, name ".") == 1 {{ version = $2 }} END {{ print version }}')
    echo "would install $name ${{version:-(no candidate known)}}"
done
"""
