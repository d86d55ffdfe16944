# Reads a unified diff and prints it without secrets; no single quotes here, it stands in a shell.
function masked(line,    low, at) {
    if (line ~ /-----BEGIN [A-Z ]*PRIVATE KEY/) { inside = 1; return line }
    if (line ~ /-----END /) inside = 0
    if (inside) return mask
    gsub(/:\/\/[^\/ @:]*:[^@ ]*@/, "://" mask "@", line)
    low = tolower(line)
    at = valued(low, "(passw|passphrase|secret|token|credential)[a-z0-9_.-]*[\"\047]?[ \t]*[=: \t][ \t]*[^ \t]")
    at = first(at, valued(low, "(key|pass|pwd)[\"\047]?[ \t]*[=:][ \t]*[^ \t]"))
    return at ? substr(line, 1, at - 1) mask : line
}
# Return where the value begins, 0 where there is none
function valued(low, name) { return match(low, name) ? RSTART + RLENGTH - 1 : 0 }
function first(one, other) { return !one || (other && other < one) ? other : one }
function load(name, to,    n, line) {
    while (name != "" && (getline line < name) > 0) to[++n] = line
    return n + 0
}
function flush(    k) {
    for (k = 1; k <= lines; k++) print hot && substr(hunk[k], 1, 1) == "-" ? "-" mask : hunk[k]
    lines = hot = 0
}
BEGIN {
    mask = ENVIRON["MASK"]
    n = load(ENVIRON["WAS"], was)
    for (k = 1; k <= n; k++) was[k] = masked(was[k])
    inside = 0
    n = load(ENVIRON["WILL"], will)
    # Where secrets have several lines nobody can tell which lines they are: all are then.
    same = load(ENVIRON["SHOWN"], shown) == n
    for (k = 1; k <= n; k++) {
        secret[k] = ENVIRON["SHOWN"] != "" && !(same && shown[k] == will[k])
        if (secret[k]) will[k] = same ? shown[k] : mask
        will[k] = masked(will[k])
    }
}
NR <= 2 { print; next }
/^@@ / {
    flush()
    print
    i = substr($2, 2) + 0
    j = substr($3, 2) + 0
    next
}
/^-/ { hunk[++lines] = "-" was[i++]; next }
/^\+/ { hot = hot || secret[j]; hunk[++lines] = "+" will[j++]; next }
/^ / { hunk[++lines] = " " will[j++]; i++; next }
{ hunk[++lines] = $0 }
END { flush() }
