-- in:  evidence      out: code of every concept that was found
SELECT DISTINCT code FROM evidence ORDER BY code
