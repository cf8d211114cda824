-- Stands before every script: what many of them need.

-- The clock, in milliseconds since 1970.
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- A whole number as text, never with an exponent.
local function text(number)
  return string.format('%.0f', number)
end

-- The next stamp of the API keys: never one that there was, also when the one before is lost.
local function next_stamp(stamp)
  redis.call('SET', stamp, text(math.max(tonumber(redis.call('GET', stamp) or '0') + 1, now())))
end

-- Whether the session of this record lives and is owned under this fence.
local function is_owned(record, fence)
  local own = redis.call('HMGET', record, 'fence', 'state')
  return own[1] == fence and own[2] ~= 'ended'
end

-- What is known under a key, if it is of this attempt.
local function key_of(keys, name, attempt)
  local found = redis.call('HGET', keys, name)
  local key = found and cmsgpack.unpack(found)
  if key and (key.attempt or '') == attempt then return key end
end

-- Writes what is known under a key. Its name and its value count.
local function put_key(keys, bytes, name, key)
  local packed, before = cmsgpack.pack(key), redis.call('HSTRLEN', keys, name)
  if before == 0 then before = -#name end
  redis.call('HSET', keys, name, packed)
  redis.call('INCRBY', bytes, #packed - before)
end

-- Forgets what is known under a key.
local function drop_key(keys, times, bytes, name)
  local size = redis.call('HSTRLEN', keys, name)
  if size > 0 then redis.call('DECRBY', bytes, size + #name) end
  redis.call('HDEL', keys, name)
  redis.call('ZREM', times, name)
end

-- Replaces the memo, or adds to it what begins with a 2: a change.
local function put_memo(record, memo)
  if string.byte(memo, 1) == 2 then memo = (redis.call('HGET', record, 'memo') or '') .. memo end
  redis.call('HSET', record, 'memo', memo)
end

-- Epoch and offset of a position.
local function parts(position)
  local epoch, offset = string.match(position, '^(%d+)-(%d+)$')
  return tonumber(epoch), tonumber(offset)
end

-- Whether the first of two positions comes after the second.
local function is_after(one, other)
  local one_epoch, one_offset = parts(one)
  local other_epoch, other_offset = parts(other)
  return one_epoch > other_epoch or (one_epoch == other_epoch and one_offset > other_offset)
end

-- Workers whose heartbeat has run out are dead from the first look on: should the clock be set back, they stay so.
local function bury(lives, infos, sessions, dead)
  local time = now()
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', lives, '-inf', time)) do
    redis.call('ZREM', lives, id)
    redis.call('HDEL', infos, id)
    redis.call('HDEL', sessions, id)
    redis.call('ZADD', dead, time, id)
  end
  return time
end
