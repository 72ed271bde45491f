# SPDX-License-Identifier: MIT
# coverage.awk: the report of scripts/check.d/coverage.
#   awk -v top=SOURCES -v allowed=unreached.txt -f coverage.awk COUNTS
# COUNTS has, tab-separated: file (from common/ on), line, how often it ran,
# how often each of its branches was taken, with commas.  The same line comes
# once for each object that holds it.
BEGIN {
    FS = "\t"
    fails = "(^|[^a-z_])[a-z_]*fail[a-z_]*\\(|return -1;"
    while ((getline text <allowed) > 0)
        if (text !~ /^#/ && match(text, /: /)) known[text] = 1
}

{
    key = $1 SUBSEP $2
    if (!($1 in last) || $2 > last[$1]) last[$1] = $2
    ran[key] += $3
    n = split($4, taken, ",")
    if (n > branches[key]) branches[key] = n
    for (i = 1; i <= n; i++) reached[key, i] += taken[i]
}

# percent PART WHOLE
function percent(part, whole) {
    return whole ? sprintf("%.1f", 100 * part / whole) : "-"
}

# Counts a file, and notes its errors that no test has reached.
function look(file,    path, line, text, key, i) {
    path = top "/" file
    lines = lines_ran = ways = ways_taken = 0
    for (line = 1; (getline text <path) > 0; line++) {
        key = file SUBSEP line
        if (!(key in ran)) continue
        lines++
        if (ran[key]) lines_ran++
        ways += branches[key]
        for (i = 1; i <= branches[key]; i++)
            if (reached[key, i]) ways_taken++
        if (text !~ /^ / || text !~ fails) continue
        sub(/^ +/, "", text)
        errors++
        if (ran[key]) continue
        if ((file ": " text) in known) excused++
        else missing[++findings] = file ":" line ": " text
    }
    close(path)
}

END {
    printf "%-36s %6s %6s %8s %6s\n", "file", "lines", "%", "branches", "%"
    order = "sort"
    for (file in last) {
        look(file)
        files++
        all_lines += lines; all_ran += lines_ran
        all_ways += ways; all_taken += ways_taken
        printf "%-36s %6d %6s %8d %6s\n", file, lines, \
            percent(lines_ran, lines), ways, percent(ways_taken, ways) | order
    }
    close(order)
    printf "%-36s %6d %6s %8d %6s\n", "all", all_lines, \
        percent(all_ran, all_lines), all_ways, percent(all_taken, all_ways)
    printf "errors: %d, of which %d no test can reach and %d none has\n", \
        errors, excused, findings
    order = "sort -t: -k1,1 -k2,2n"
    for (i = 1; i <= findings; i++) print missing[i] | order
    close(order)
    print "counted:", files + 0, all_lines + 0, findings + 0
}
