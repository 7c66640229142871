"""Lists the quarter hours that have any clicks, with two index steps each.

Sums are stored by time first, so one owner's sums are looked up in each quarter hour.
"""


def write_moments(first: str, end: str, *, is_descending: bool = False) -> str:
    """The start of a statement: a table `moments (at)`, whose last row is null.

    It lists the quarter hours from `first` up to `end`, which are parameters such as `$1`.
    """
    if is_descending:
        choice, following = "max", f"q.at < m.at and q.at >= {first}"
    else:
        choice, following = "min", f"q.at > m.at and q.at < {end}"
    return f"""with recursive moments (at) as (
  select {choice}(at) from click_quarters where at >= {first} and at < {end}
  union all
  select (select {choice}(q.at) from click_quarters q where {following})
  from moments m where m.at is not null
)"""  # noqa: S608 - parameters' numbers
