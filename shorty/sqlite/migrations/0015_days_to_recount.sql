-- UTC days whose visitors are to be recounted, since clicks of long ago were imported into them.
create table days_to_recount (
  day integer primary key
);
