-- Puts a token on a list: with its fence, or, before the fence is known, with the negative time.
-- KEYS: list. ARGV: token, fence or an empty text. Returns 1.
local score = ARGV[2] == '' and -now() or tonumber(ARGV[2])
redis.call('ZADD', KEYS[1], score, ARGV[1])
return 1
