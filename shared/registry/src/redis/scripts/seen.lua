-- Notes that there was a login, for operators.
-- KEYS: list. ARGV: name, how many are kept. Returns 1.
redis.call('ZADD', KEYS[1], now(), ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - tonumber(ARGV[2]))
redis.call('PEXPIRE', KEYS[1], 24 * 3600 * 1000)
return 1
