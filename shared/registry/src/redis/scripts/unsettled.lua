-- Trade requests without an outcome.
-- KEYS: begun. Returns number, request, mark (1 and the key, or 0) of each, in one row and no order.
local found = {}
local begun = redis.call('HGETALL', KEYS[1])
for index = 1, #begun, 2 do
  if string.match(begun[index], '^%d+$') then
    found[#found + 1] = begun[index]
    found[#found + 1] = begun[index + 1]
    found[#found + 1] = redis.call('HGET', KEYS[1], begun[index] .. ':key') or '0'
  end
end
return found
