"""Which city is visited next.

Called once for each visit after the first, also when one city is left.
  In:     current, the city where the tour stands; destination, the city where it began and will end;
          unvisited, an array of the cities that are left, in ascending order, never empty;
          distances, the matrix of distances between all cities, not to be changed
  Answer: one of the cities in unvisited
Cities are whole numbers. distances[current, unvisited] is an array of the distances to those that are left.
"""

DEFAULT = "nearest"
