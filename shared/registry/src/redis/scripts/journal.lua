-- The journal.
-- KEYS: begun, journal. Returns 0 or 1 (it has an outcome), number, request, outcome of each, in one row and no order.
local found = {}
local function put(has, number, request, outcome)
  found[#found + 1] = has
  found[#found + 1] = number
  found[#found + 1] = request
  found[#found + 1] = outcome
end
for _, entry in ipairs(redis.call('XRANGE', KEYS[2], '-', '+')) do
  put('1', entry[2][2], '', entry[2][4])
end
local begun = redis.call('HGETALL', KEYS[1])
for index = 1, #begun, 2 do
  if string.match(begun[index], '^%d+$') then put('0', begun[index], begun[index + 1], '') end
end
return found
