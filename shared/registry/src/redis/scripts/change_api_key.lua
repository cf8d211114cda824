-- Writes an API key anew if it is still the one that was read.
-- KEYS: records, tenants, ends, uses, counts, stamp. ARGV: id, record that was read, from when on it is of no use, record.
-- Returns 1 if so.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[4])
redis.call('ZADD', KEYS[3], ARGV[3], ARGV[1])
next_stamp(KEYS[6])
return 1
