package example;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Set;
import java.util.TreeSet;

/** What is done, by decision_id, and which number each customer's latest decision has: in SQLite here, in your own there. */
final class Done implements AutoCloseable {
  private final Connection database;

  Done(String file) throws SQLException {
    database = DriverManager.getConnection("jdbc:sqlite:" + file);
    try (Statement tables = database.createStatement()) {
      tables.execute(
          "CREATE TABLE IF NOT EXISTS done"
              + " (decision_id TEXT PRIMARY KEY, customer_id TEXT, sequence INTEGER, effect TEXT)");
      tables.execute("CREATE INDEX IF NOT EXISTS of_customer ON done (customer_id)");
      tables.execute("CREATE TABLE IF NOT EXISTS told (customer_id TEXT PRIMARY KEY, partition INTEGER, sequence INTEGER)");
    }
    database.setAutoCommit(false);
  }

  /** Note a decision with its effect; false where it is done already. */
  boolean once(String decision, String customer, long sequence, String effect) throws SQLException {
    return update("INSERT OR IGNORE INTO done VALUES (?, ?, ?, ?)", decision, customer, sequence, effect) > 0;
  }

  /** Note that a customer's decisions have come to a number. */
  void told(String customer, int partition, long sequence) throws SQLException {
    update(
        "INSERT INTO told VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET sequence = max(sequence, excluded.sequence)",
        customer,
        partition,
        sequence);
  }

  void commit() throws SQLException {
    database.commit();
  }

  /** The numbers of a customer that no decision had. */
  Set<Long> missing(String customer) throws SQLException {
    Set<Long> missing = new TreeSet<>();
    try (PreparedStatement last = database.prepareStatement("SELECT sequence FROM told WHERE customer_id = ?");
        PreparedStatement seen = database.prepareStatement("SELECT sequence FROM done WHERE customer_id = ?")) {
      last.setString(1, customer);
      seen.setString(1, customer);
      try (ResultSet latest = last.executeQuery(); ResultSet numbers = seen.executeQuery()) {
        for (long number = latest.getLong(1); number > 0; number--) {
          missing.add(number);
        }
        while (numbers.next()) {
          missing.remove(numbers.getLong(1));
        }
      }
    }
    return missing;
  }

  /** Customers in some partitions with fewer decisions than their latest number says. */
  Set<String> withFewer(Set<Integer> partitions) {
    Set<String> customers = new TreeSet<>();
    String fewer =
        "SELECT customer_id, partition FROM told"
            + " WHERE sequence > (SELECT count(*) FROM done WHERE customer_id = told.customer_id)";
    try (Statement asking = database.createStatement(); ResultSet found = asking.executeQuery(fewer)) {
      while (found.next()) {
        if (partitions.contains(found.getInt(2))) {
          customers.add(found.getString(1));
        }
      }
      return customers;
    } catch (SQLException broken) {
      throw new IllegalStateException(broken);
    }
  }

  private int update(String sql, Object... values) throws SQLException {
    try (PreparedStatement statement = database.prepareStatement(sql)) {
      for (int place = 0; place < values.length; place++) {
        statement.setObject(place + 1, values[place]);
      }
      return statement.executeUpdate();
    }
  }

  @Override
  public void close() throws SQLException {
    database.rollback(); // what was not committed is read again
    database.close();
  }
}
