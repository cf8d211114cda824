-- Counts a session, as of now; one that comes back and is counted still keeps its place.
-- KEYS: counted. ARGV: token, and 1 for one that comes back. Returns 1.
if ARGV[2] == '1' then
  redis.call('ZADD', KEYS[1], 'NX', now(), ARGV[1])
else
  redis.call('ZADD', KEYS[1], now(), ARGV[1])
end
return 1
