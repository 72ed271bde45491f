# SPDX-License-Identifier: MIT
# train-news.awk: invented lines as news agencies write them, labelled, for
# scripts/train-data.
#
#   awk -f train-news.awk kind=n NEWS kind=e ENTITIES
#
# NEWS holds kind (agency, city, state), what the news write, title, with tabs
# between; ENTITIES id, title, league, text (with \n as jq's @tsv).  Prints
# LABELLED columns of train-mine.awk.  The text behind a place line is the
# text of an entity; scores are numbers made of a counter.  What comes out is
# tables of results, where a place stands for its team, place lines, where
# an abbreviation stands for an agency, and states' abbreviations.

kind == "n" {
    n_news++
    what[n_news] = $1
    said[n_news] = $2
    title_of[n_news] = $3
    next
}

function put(left, mention, right, id) {
    serial++
    printf "news:%d\tnews:%d\t%s\t%s\t%s\t%s\tnews\t1\n", serial,
        int(serial / 7), left, mention, right, id
}

# What a table calls a team: by its place.
function place(title, league,    s) {
    s = title
    if (league == "soccer") {
        sub(/^(A\.?F\.?C\.?|F\.?C\.?) /, "", s)
        sub(/ (A\.?F\.?C\.?|F\.?C\.?)$/, "", s)
        if (serial % 2)
            sub(/ (United|City|Town|Rovers|Athletic|Wanderers|Albion|County|North End|Argyle|Rangers|Orient)$/, "", s)
        return s
    }
    if (league ~ /^nat/) {
        sub(/ (men's |national |cricket |football |soccer |rugby ).*/, "", s)
        return s
    }
    if (!sub(/ (Red Sox|White Sox|Blue Jays|Maple Leafs|Red Wings|Blue Jackets|Golden Knights|Trail Blazers)$/, "", s))
        sub(/ [^ ]*$/, "", s)
    return s
}

kind == "e" {
    id_of[$2] = $1
    title[$1] = $2
    if ($3 != "") {
        n_teams[$3]++
        team[$3, n_teams[$3]] = $1
    }
    if (length($4) > 30 && FNR % 97 == 1) {
        body[++bodies] = substr($4, 1, 200)
        sub(/ [^ ]*$/, "", body[bodies])
        gsub(/\\n/, " ", body[bodies])
    }
    if ($2 ~ /^[A-Z][a-z]+, [A-Z]/)
        town[++towns] = $2
}

function score(i) { return (serial * 7 + i * 5) % 13 }

# A table of the league around team number i; the mention is team i.
function table(league, i, form, header,    k, j, left, right, s, upper) {
    upper = form % 2
    left = header " : "
    for (k = -5; k <= 6; k++) {
        j = (i + k * (1 + form) + 100 * n_teams[league] - 1) \
            % n_teams[league] + 1
        s = k == 0 ? "" : place(title[team[league, j]], league)
        if (upper)
            s = toupper(s)
        if (form % 3 == 2)
            s = s " " (40 + score(k)) " " (90 - score(k)) " ." \
                (400 + 9 * score(k))
        else if (league == "natcricket")
            s = s " " (200 + 9 * score(k)) (k % 2 ? " and" : " for 8")
        else
            s = s " " score(k) (k % 2 ? " ," : "")
        if (k < 0)
            left = left s " "
        else if (k == 0)
            right = s
        else
            right = right " " s
    }
    s = place(title[team[league, i]], league)
    put(left, upper ? toupper(s) : s, right, team[league, i])
}

function tables(league, times, headers,    h, n, i, f) {
    n = split(headers, h, ";")
    if (n_teams[league] < 4)
        return
    for (i = 1; i <= n_teams[league]; i++)
        for (f = 0; f < times; f++)
            table(league, i, f, h[(i + f) % n + 1])
}

function some_body() { return body[serial % bodies + 1] }

function place_lines(    i, j, a, id) {
    for (i = 1; i <= n_news; i++) {
        if (!(title_of[i] in id_of))
            continue
        id = id_of[title_of[i]]
        for (j = 0; j < 12; j++) {
            a = n_news ? said[j % 4 + 1] : "AP"
            if (what[i] == "city")
                put("", said[i], (j % 2 ? " (" a ") _ " : ", Aug " j + 3 \
                    " (" a ") - ") some_body(), id)
            else if (what[i] == "agency" && j % 3 < 2)
                put(toupper(bodies ? substr(town[(i * 12 + j) % towns + 1],
                    1, index(town[(i * 12 + j) % towns + 1], ",") - 1) : "") \
                    (j % 2 ? " (" : " 1" j "-15 ("), said[i],
                    ") - " some_body(), id)
            else if (what[i] == "agency")
                put(some_body() ", he told ", said[i], " on Tuesday.", id)
        }
    }
}

# "Orlando, Fla." from the catalogue's "Orlando, Florida".
function states(    i, t, s, c, short) {
    for (i = 1; i <= n_news; i++)
        if (what[i] == "state" && title_of[i] in id_of)
            short[title_of[i]] = said[i]
    for (i = 1; i <= towns; i++) {
        t = town[i]
        c = substr(t, 1, index(t, ",") - 1)
        s = substr(t, index(t, ",") + 2)
        if (s == "Georgia" || s == "Washington")
            s = s == "Georgia" ? "Georgia (U.S. state)" : "Washington (state)"
        if (!(s in short) || used[s]++ >= 10)
            continue
        put((used[s] % 2 ? toupper(c) : some_body() " in " c) ", ",
            short[s], used[s] % 2 ? " (AP) - " some_body() : ".",
            id_of[s])
    }
}

END {
    if (!bodies || !towns)
        exit 0
    tables("baseball", 12, "BASEBALL - MAJOR LEAGUE RESULTS;MAJOR LEAGUE STANDINGS AFTER GAMES PLAYED ON FRIDAY;AMERICAN LEAGUE;NATIONAL LEAGUE;Major League Baseball games on Thursday")
    tables("hockey", 8, "NHL ICE HOCKEY RESULTS;NHL standings;ICE HOCKEY - NATIONAL HOCKEY LEAGUE")
    tables("nfl", 8, "NFL AMERICAN FOOTBALL RESULTS;AMERICAN FOOTBALL - NFL STANDINGS;National Football League pre-season games")
    tables("nba", 8, "NBA BASKETBALL RESULTS;BASKETBALL - NBA STANDINGS;NBA games on Friday")
    tables("soccer", 5, "SOCCER - ENGLISH LEAGUE RESULTS;SOCCER - LEAGUE STANDINGS;Scores of division two matches;SOCCER - CUP RESULTS")
    tables("natfootball", 4, "SOCCER - WORLD CUP QUALIFYING RESULTS;SOCCER - EUROPEAN CHAMPIONSHIP QUALIFIERS;Friendly soccer internationals")
    tables("natcricket", 30, "CRICKET - TEST SCOREBOARD;CRICKET - ONE-DAY INTERNATIONAL;Scores in the third test on the second day")
    tables("natrugby", 20, "RUGBY UNION - TRI-NATIONS;RUGBY UNION - TEST MATCH")
    place_lines()
    states()
}
